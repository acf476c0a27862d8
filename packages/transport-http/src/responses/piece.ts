import type { Token } from '@vllm-sim/core-engine'

/** A stretch of the output of one kind, as far as it exists: one output item. */
export class Piece {
  readonly kind: 'reasoning' | 'text' | 'tool'
  readonly itemId: string
  /** Calls only: the function's name. */
  readonly name: string
  readonly tokens: Token[] = []
  #text = ''
  #joined = 0

  constructor(kind: Piece['kind'], itemId: string, name = '') {
    this.kind = kind
    this.itemId = itemId
    this.name = name
  }

  /** The text so far as the inside of a JSON string. */
  get text(): string {
    const { tokens } = this
    if (this.#joined < tokens.length) {
      // Joining makes one flat string. Appended one by one they would be kept as a chain of small ones.
      const added = tokens.slice(this.#joined).map(token => token.json)
      this.#text += added.join('')
      this.#joined = tokens.length
    }
    return this.#text
  }

  /** Calls only: the id by which a function's result refers to it, with the same digits as the item's. */
  get callId(): string {
    return this.itemId.replace(/^fc_/, 'call_')
  }

  /** The text so far. */
  plainText(): string {
    return JSON.parse(`"${this.text}"`)
  }
}
