import type { HfTokenizer, HfTokenizerOptions } from './hf/tokenizer.ts'
import type { RenderTokenizer, RenderTokenizerOptions } from './render/tokenizer.ts'

/**
 * Loads a HuggingFace tokenizer from a directory with `tokenizer.json`, without asking the network. Half a second for a
 * vocabulary of 150,000. The libraries are imported by this call, so that who never makes it does not pay for them.
 * @throws TokenizerError (`files`) when a file is missing, damaged or of an unsupported kind
 */
export async function loadHfTokenizer(directory: string, options?: HfTokenizerOptions): Promise<HfTokenizer> {
  const { HfTokenizer: Class } = await import('./hf/tokenizer.ts')
  return Class.load(directory, options)
}

/** Makes a client of a render service; connects with the first request only. */
export async function loadRenderTokenizer(options: RenderTokenizerOptions): Promise<RenderTokenizer> {
  const { RenderTokenizer: Class } = await import('./render/tokenizer.ts')
  return new Class(options)
}
