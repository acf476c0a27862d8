import { flattenChat } from './flatten.ts'
import { promptEncoding, SimulatedTokenizer } from './simulated.ts'
import { decodeInSlices, isLongList, type Pause } from './slices.ts'
import { splitPart } from './split.ts'
import type { Cancel, ChatRender, DecodeOptions, EncodeOptions, Encoding, PromptEncoding, Tokenizer } from './types.ts'

/** Characters that are encoded at a time: a millisecond or two, or ten of symbols. */
const SLICE = 16_384

/** Longest prompt that is encoded at once. */
const MOST = 4 * SLICE

/**
 * The simulated tokenizer for a server whose other clients must not wait: prompts of more than four slices are encoded a
 * slice at a time, with a pause after each, and come as a promise; so does the text of many ids. A million characters at once
 * would take up to half a second.
 */
export class SlicedTokenizer implements Tokenizer {
  readonly kind = 'simulated'
  readonly eosTokenIds: readonly number[] = []
  readonly #whole = new SimulatedTokenizer()
  readonly #pause: Pause

  constructor(pause: Pause) {
    this.#pause = pause
  }

  encode(text: string, _options?: EncodeOptions, cancel?: Cancel): Encoding | Promise<Encoding> {
    return text.length > MOST ? this.#inSlices(text, cancel?.signal) : this.#whole.encode(text)
  }

  encodeChat(chat: ChatRender, cancel?: Cancel): PromptEncoding | Promise<PromptEncoding> {
    const text = flattenChat(chat.messages)
    if (text.length <= MOST) return promptEncoding(chat, text, this.#whole.encode(text))
    return this.#inSlices(text, cancel?.signal).then(encoding => promptEncoding(chat, text, encoding))
  }

  encodeOutput(text: string): Encoding {
    return this.#whole.encodeOutput(text)
  }

  decode(ids: readonly number[], _options?: DecodeOptions, cancel?: Cancel): string | Promise<string> {
    if (!isLongList(ids)) return this.#whole.decode(ids)
    return decodeInSlices(ids, slice => this.#whole.decode(slice), this.#pause, cancel?.signal)
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

  async #inSlices(text: string, signal: AbortSignal | undefined): Promise<Encoding> {
    const source = text.toWellFormed()
    const encoding: Encoding = { ids: [], pieces: [] }
    for (let start = 0, known = 0; start < source.length; known = encoding.ids.length) {
      if (start > 0) await this.#pause()
      signal?.throwIfAborted()
      start = splitPart(source, start, start + SLICE, encoding)
      this.#whole.remember(encoding, known)
    }
    return encoding
  }
}
