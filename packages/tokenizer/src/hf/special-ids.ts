import type { LibraryTokenizer } from './library.ts'

/** Ids that a tokenizer puts around a text when special tokens are asked for. */
export interface SurroundingIds {
  readonly prefix: readonly number[]
  readonly suffix: readonly number[]
}

/** The content of a special token, which a config writes as a string or as an object. */
export function specialToken(config: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = config[name]
  if (typeof value === 'string') return value
  const content = (value as { content?: unknown } | null | undefined)?.content
  return typeof content === 'string' ? content : undefined
}

/**
 * Finds out what the post-processor adds, by encoding a letter with and without. Python's Llama classes add BOS and EOS by
 * flags of the config where `tokenizer.json` has no rule for it (DeepSeek V3), which the library does not do.
 */
export function surroundingIds(library: LibraryTokenizer, config: Readonly<Record<string, unknown>>): SurroundingIds {
  const plain: number[] = library.encode('a', { add_special_tokens: false }).ids
  const full: number[] = library.encode('a', { add_special_tokens: true }).ids
  const extra = full.length - plain.length
  let start = 0
  while (start < extra && !plain.every((id, index) => full[start + index] === id)) start++
  const prefix = full.slice(0, start)
  const suffix = full.slice(start + plain.length)
  if (String(config['tokenizer_class'] ?? '').startsWith('Llama')) {
    const id = (flag: string, name: string) =>
      config[flag] === true ? library.token_to_id(specialToken(config, name) ?? '') : undefined
    const bos = id('add_bos_token', 'bos_token')
    const eos = id('add_eos_token', 'eos_token')
    if (bos !== undefined && !prefix.includes(bos)) prefix.unshift(bos)
    if (eos !== undefined && !suffix.includes(eos)) suffix.push(eos)
  }
  return { prefix, suffix }
}

/** Ids that end a generation: the tokenizer's EOS, then those of `generation_config.json` and `config.json`. */
export function eosIds(
  library: LibraryTokenizer,
  configs: { tokenizer: Readonly<Record<string, unknown>>; others: readonly Readonly<Record<string, unknown>>[] },
): number[] {
  const ids = new Set<number>()
  const own = library.token_to_id(specialToken(configs.tokenizer, 'eos_token') ?? '')
  if (own !== undefined) ids.add(own)
  for (const config of configs.others) {
    for (const id of [config['eos_token_id']].flat()) if (typeof id === 'number') ids.add(id)
  }
  return [...ids]
}
