import type { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import { TokenizerError } from '../errors.ts'
import type { TokenizerFiles } from './files.ts'
import { useRustTables } from './unicode-normalization.ts'

export type { LibraryTokenizer }

const MODELS = new Set(['BPE', 'Unigram', 'WordPiece'])

/**
 * Builds the library's tokenizer; loads the library on first use.
 * @throws TokenizerError (`files`) when the tokenizer is of a kind that the library does not know
 */
export async function createLibraryTokenizer(
  files: Pick<TokenizerFiles, 'directory' | 'tokenizerJson' | 'tokenizerConfig'>,
): Promise<LibraryTokenizer> {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  // Rust's tokenizers treats absent and null alike; the library insists on the keys.
  const nullable = { decoder: null, post_processor: null, pre_tokenizer: null, normalizer: null, added_tokens: [] }
  try {
    const type = files.tokenizerJson.model?.type
    // The library takes a WordLevel vocabulary for something else and would give wrong ids.
    if (type !== undefined && !MODELS.has(type)) throw new Error(`unsupported model type ${type}`)
    const library = new Tokenizer({ ...nullable, ...files.tokenizerJson }, files.tokenizerConfig)
    useRustTables(library.normalizer)
    return library
  } catch (error) {
    const where = `${files.directory}/tokenizer.json cannot be used: ${(error as Error).message}`
    throw new TokenizerError(`${where}; try --tokenizer-mode render or simulated`, 'files', { cause: error })
  }
}

/** Ids of a text without special tokens. What the vocabulary cannot express is left out, as Rust's tokenizers does. */
export function encodePlain(library: LibraryTokenizer, text: string): number[] {
  const ids: (number | undefined)[] = library.encode(text, { add_special_tokens: false }).ids
  return ids.includes(undefined) ? ids.filter(id => id !== undefined) : (ids as number[])
}
