import { flattenChat } from './flatten.ts'
import { hasMedia, stubFeatures } from './multimodal.ts'
import { SimulatedTokenizer } from './simulated.ts'
import type { ChatRender, Encoding, PromptEncoding, Tokenizer } from './types.ts'

/** Characters that are encoded at a time: a millisecond or two. */
const SLICE = 65_536

/**
 * The simulated tokenizer for a server whose other clients must not wait: prompts of more than two slices are encoded a
 * slice at a time, with a pause after each, and come as a promise. A million characters at once would take 20 ms.
 */
export class SlicedTokenizer implements Tokenizer {
  readonly kind = 'simulated'
  readonly eosTokenIds: readonly number[] = []
  readonly #whole = new SimulatedTokenizer()
  readonly #pause: () => Promise<void>

  /** @param pause resolves when others have had their turn */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause
  }

  encode(text: string): Encoding | Promise<Encoding> {
    return text.length > 2 * SLICE ? this.#inSlices(text) : this.#whole.encode(text)
  }

  encodeChat(chat: ChatRender): PromptEncoding | Promise<PromptEncoding> {
    const text = flattenChat(chat.messages)
    if (text.length <= 2 * SLICE) return this.#whole.encodeChat(chat)
    return this.#inSlices(text).then(({ ids, pieces }) => {
      if (!hasMedia(chat.messages)) return { ids, pieces, text }
      return { ids, pieces, text, features: stubFeatures(chat.messages, ids.length)! }
    })
  }

  encodeOutput(text: string): Encoding {
    return this.#whole.encodeOutput(text)
  }

  decode(ids: readonly number[]): string {
    return this.#whole.decode(ids)
  }

  detokenizer(): ReturnType<Tokenizer['detokenizer']> {
    return this.#whole.detokenizer()
  }

  tokenString(id: number): string | undefined {
    return this.#whole.tokenString(id)
  }

  close(): Promise<void> {
    return this.#whole.close()
  }

  async #inSlices(text: string): Promise<Encoding> {
    const ids: number[] = []
    const pieces: string[] = []
    for (let start = 0; start < text.length; ) {
      if (start > 0) await this.#pause()
      const end = cutAfter(text, start + SLICE)
      const slice = this.#whole.encodeOutput(text.slice(start, end))
      for (let index = 0; index < slice.ids.length; index++) {
        ids.push(slice.ids[index]!)
        pieces.push(slice.pieces[index]!)
      }
      start = end
    }
    return { ids, pieces }
  }
}

/** The next place at or after `from` where one piece certainly ends: behind a space or line break, before anything else. */
function cutAfter(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (isBlank(text.charCodeAt(at - 1)) && !isBlank(text.charCodeAt(at))) return at
  }
  return text.length
}

/** Tab, line feed, form feed, carriage return, space: what belongs to the piece before it. */
function isBlank(code: number): boolean {
  return code === 32 || code === 10 || code === 9 || code === 13 || code === 12
}
