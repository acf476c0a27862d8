/** One generated token: its id and the text it adds. Shared and never changed; equal tokens are often the same object. */
export class Token {
  readonly id: number
  readonly text: string
  #json: string | undefined
  #jsonBytes = 0

  constructor(id: number, text: string) {
    this.id = id
    this.text = text
  }

  /** The text as the inside of a JSON string, without the quotes. Made once. */
  get json(): string {
    return (this.#json ??= JSON.stringify(this.text).slice(1, -1))
  }

  /** Length of `json` in UTF-8 bytes. Counted once. */
  get jsonBytes(): number {
    if (this.#jsonBytes === 0 && this.text !== '') this.#jsonBytes = Buffer.byteLength(this.json)
    return this.#jsonBytes
  }
}

/** Tokens on their way to a sink; one batch is used again and again. */
export class TokenBatch {
  /** As many as `count` says; begins with one, because V8 gives lists of objects another form than empty ones. */
  readonly tokens: Token[] = [new Token(0, '')]
  count = 0

  readonly add = (token: Token): void => {
    this.tokens[this.count++] = token
  }

  addIdsTo(ids: number[]): void {
    for (let at = 0; at < this.count; at++) ids.push(this.tokens[at]!.id)
  }
}

/** Pairs ids with their pieces of text; both lists have the same length. */
export function toTokens(encoding: { readonly ids: ArrayLike<number>; readonly pieces: readonly string[] }): Token[] {
  const { ids, pieces } = encoding
  const tokens = new Array<Token>(pieces.length)
  for (let i = 0; i < pieces.length; i++) tokens[i] = new Token(ids[i]!, pieces[i]!)
  return tokens
}
