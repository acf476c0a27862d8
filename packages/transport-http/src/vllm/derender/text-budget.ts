import { RequestError } from '@vllm-sim/core-engine'

/** Characters that the ids of one request may come to: one id may stand for a word of megabytes. */
const mostCharacters = 2 ** 24

/** Bounds the text of one answer. */
export class TextBudget {
  #left = mostCharacters

  /** @returns the text @throws RequestError 400 when it is too much */
  take(text: string): string {
    this.#left -= text.length
    if (this.#left >= 0) return text
    throw new RequestError(400, `Derender failed, the text is longer than ${mostCharacters} characters`, 'token_ids')
  }
}
