import { flattenChat } from './flatten.ts'
import { hasMedia, stubFeatures } from './multimodal.ts'
import { PieceMemory } from './piece-memory.ts'
import { splitSimulated } from './split.ts'
import type { ChatRender, Encoding, IncrementalDetokenizer, PromptEncoding, Tokenizer } from './types.ts'

const REPLACEMENT = '\ufffd'

/**
 * A tokenizer without a vocabulary: words and punctuation are the tokens, hashes are the ids (see `splitSimulated`). Needs no
 * files, starts at once, gives the ids of llm-d-inference-sim. It can decode the ids that it made (see `PieceMemory`).
 */
export class SimulatedTokenizer implements Tokenizer {
  readonly kind = 'simulated'
  readonly eosTokenIds: readonly number[] = []
  readonly #memory = new PieceMemory()

  /** There are no special tokens; always a plain value. */
  encode(text: string): Encoding {
    return this.encodeOutput(text)
  }

  /** Encodes `flattenChat`; templates, tools and generation prompts have no effect. Always a plain value. */
  encodeChat(chat: ChatRender): PromptEncoding {
    const text = flattenChat(chat.messages)
    const { ids, pieces } = this.encodeOutput(text)
    if (!hasMedia(chat.messages)) return { ids, pieces, text }
    return { ids, pieces, text, features: stubFeatures(chat.messages, ids.length)! }
  }

  encodeOutput(text: string): Encoding {
    const encoding = splitSimulated(text)
    const { ids, pieces } = encoding
    for (let index = 0; index < ids.length; index++) this.#memory.remember(ids[index]!, pieces[index]!)
    return encoding
  }

  decode(ids: readonly number[]): string {
    let text = ''
    for (const id of ids) text += this.#memory.get(id) ?? REPLACEMENT
    return text
  }

  detokenizer(): IncrementalDetokenizer {
    return { push: id => this.#memory.get(id) ?? REPLACEMENT, flush: () => '' }
  }

  tokenString(id: number): string | undefined {
    return this.#memory.get(id)
  }

  async close(): Promise<void> {}
}
