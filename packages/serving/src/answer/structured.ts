import { createRequire } from 'node:module'

type Structured = typeof import('@vllm-sim/structured-output')

let loaded: Structured | undefined

/**
 * The generator of text by schema, pattern or grammar. Loaded by the first request that has tools or a format: the others,
 * and an idle server, do without its 45 files. Not by `import()`: what plans an answer is synchronous. A bundler cannot follow
 * it, so a bundle keeps this package beside itself.
 */
export function structured(): Structured {
  loaded ??= createRequire(import.meta.url)('@vllm-sim/structured-output') as Structured
  return loaded
}
