import type { Token } from '@vllm-sim/core-engine'
import { candidates, type TokenName } from '@vllm-sim/serving'

/** Collects the `logprobs` object of a text completion, token by token. */
export class TokenList {
  readonly #count: number
  readonly #name: TokenName
  readonly #tokens: string[] = []
  readonly #logprobs: string[] = []
  readonly #top: string[] = []
  readonly #offsets: number[] = []
  /** UTF-8 bytes of the text so far. */
  #offset: number
  #position = 0

  /**
   * @param count candidates per token, the chosen one included
   * @param offset where the text begins, in UTF-8 bytes
   */
  constructor(count: number, name: TokenName, offset = 0) {
    this.#count = count
    this.#name = name
    this.#offset = offset
  }

  /** Where the next token begins, in UTF-8 bytes. */
  get offset(): number {
    return this.#offset
  }

  /** Adds tokens of the prompt; nothing foretells the first of them. */
  addPrompt(tokens: readonly Token[]): void {
    tokens.forEach((token, at) => {
      this.#add(token, at, at === 0)
    })
  }

  /** Adds a generated token. */
  add(token: Token): void {
    this.#add(token, this.#position++, false)
  }

  #add(token: Token, position: number, unknown: boolean): void {
    this.#offsets.push(this.#offset)
    this.#offset += Buffer.byteLength(token.text)
    this.#tokens.push(JSON.stringify(this.#name(token)))
    if (unknown) {
      this.#logprobs.push('null')
      this.#top.push('null')
      return
    }
    const list = candidates(token, position, this.#count)
    this.#logprobs.push(`${list[0]!.logprob}`)
    this.#top.push(`{${list.map(one => `${JSON.stringify(this.#name(one))}:${one.logprob}`).join()}}`)
  }

  /** The object as JSON, of what was added since the last call. */
  take(): string {
    const json =
      `{"text_offset":[${this.#offsets.join()}],"token_logprobs":[${this.#logprobs.join()}],` +
      `"tokens":[${this.#tokens.join()}],"top_logprobs":[${this.#top.join()}]}`
    for (const list of [this.#offsets, this.#logprobs, this.#tokens, this.#top]) list.length = 0
    return json
  }
}
