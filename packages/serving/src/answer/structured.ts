type Structured = typeof import('@vllm-sim/structured-output')

let loaded: Structured | undefined

/**
 * Loads the generator of text by schema, pattern or grammar, which `planAnswer` and `checkTools` need for tools and formats.
 * Requests without these, and an idle server, do without its 45 files.
 * @returns undefined when it is there
 */
export function loadStructured(): Promise<void> | undefined {
  if (loaded) return undefined
  return import('@vllm-sim/structured-output').then(module => {
    loaded = module
  })
}

/** The generator, once it was loaded: what plans an answer is synchronous. */
export function structured(): Structured {
  if (!loaded) throw new Error('an answer with a structure was planned before loadStructured() was done')
  return loaded
}
