/** The members of a `tokenizer.json` entry in `added_tokens` that matter here. */
export interface AddedToken {
  id: number
  content: string
  special?: boolean
  lstrip?: boolean
  rstrip?: boolean
  single_word?: boolean
  normalized?: boolean
}

/** A text between added tokens, or the id of an added token. */
export type Segment = string | number

/**
 * Cuts texts at added tokens such as `<|im_start|>`. A tokenizer treats what lies between them independently, so a long
 * conversation can be encoded, and remembered, turn by turn.
 */
export class Segmenter {
  readonly #pattern: RegExp | undefined
  readonly #ids = new Map<string, number>()

  constructor(tokens: readonly AddedToken[]) {
    for (const token of tokens) this.#ids.set(token.content, token.id)
    const contents = [...this.#ids.keys()].sort((a, b) => b.length - a.length)
    if (contents.length > 0) this.#pattern = new RegExp(`(${contents.map(literal).join('|')})`, 'u')
  }

  /** Segments in order; none is empty. */
  split(text: string): Segment[] {
    if (!this.#pattern) return text === '' ? [] : [text]
    const segments: Segment[] = []
    for (const part of text.split(this.#pattern)) if (part !== '') segments.push(this.#ids.get(part) ?? part)
    return segments
  }
}

/**
 * True when segments can be encoded one by one: no added token takes white space from its neighbours or needs word
 * boundaries, none is matched after normalization, and the pre-tokenizer is byte-level, so it does not treat the first
 * segment in its own way.
 */
export function isSegmentable(tokenizerJson: { added_tokens?: AddedToken[]; pre_tokenizer?: unknown }): boolean {
  const plain = (tokenizerJson.added_tokens ?? []).every(
    token => !token.lstrip && !token.rstrip && !token.single_word && token.normalized === false && token.content !== '',
  )
  const description = JSON.stringify(tokenizerJson.pre_tokenizer ?? null)
  return plain && description.includes('"ByteLevel"') && !description.includes('"add_prefix_space":true')
}

/** A pattern that matches just this text, as `RegExp.escape`, which Node has since 24. */
function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
