import { flattenChat } from './flatten.ts'
import { stubFeatures } from './multimodal.ts'
import { PieceMemory } from './piece-memory.ts'
import { checkTextLength } from './slices.ts'
import { splitSimulated } from './split.ts'
import type { ChatRender, Encoding, IncrementalDetokenizer, PromptEncoding, Tokenizer } from './types.ts'

const REPLACEMENT = '\ufffd'

/** Prompts whose encoding is kept, and the longest of them in characters. Load tests send the same ones again and again. */
const RECENT_PROMPTS = 512
const RECENT_LENGTH = 2000

/**
 * A tokenizer without a vocabulary: words and punctuation are the tokens, hashes are the ids (see `splitSimulated`). Needs no
 * files, starts at once, gives the ids of llm-d-inference-sim. It can decode the ids that it made (see `PieceMemory`).
 */
export class SimulatedTokenizer implements Tokenizer {
  readonly kind = 'simulated'
  readonly eosTokenIds: readonly number[] = []
  readonly #memory = new PieceMemory()
  readonly #recent = new Map<string, Encoding>()

  /** There are no special tokens; always a plain value. */
  encode(text: string): Encoding {
    const known = this.#recent.get(text)
    if (known) return known
    const encoding = this.encodeOutput(text)
    if (text.length > RECENT_LENGTH) return encoding
    // Emptied as a whole: taking out one entry at a time would cost more than it saves.
    if (this.#recent.size >= RECENT_PROMPTS) this.#recent.clear()
    this.#recent.set(text, encoding)
    return encoding
  }

  /** Encodes `flattenChat`; templates, tools and generation prompts have no effect. Always a plain value. */
  encodeChat(chat: ChatRender): PromptEncoding {
    const text = flattenChat(chat.messages)
    return promptEncoding(chat, text, this.encode(text))
  }

  encodeOutput(text: string): Encoding {
    const encoding = splitSimulated(text)
    this.remember(encoding, 0)
    return encoding
  }

  /** Makes the ids of an encoding, from the place `from` on, known to `decode`. */
  remember({ ids, pieces }: Encoding, from: number): void {
    for (let index = from; index < ids.length; index++) this.#memory.remember(ids[index]!, pieces[index]!)
  }

  decode(ids: readonly number[]): string {
    let length = 0
    const pieces = ids.map(id => {
      const piece = this.#memory.get(id) ?? REPLACEMENT
      checkTextLength((length += piece.length))
      return piece
    })
    return pieces.join('')
  }

  detokenizer(): IncrementalDetokenizer {
    return { push: id => this.#memory.get(id) ?? REPLACEMENT, flush: () => '' }
  }

  tokenString(id: number): string | undefined {
    return this.#memory.get(id)
  }

  async close(): Promise<void> {}
}

/** What a conversation was encoded to. @param text the flattened conversation, and its encoding */
export function promptEncoding({ messages }: ChatRender, text: string, { ids, pieces }: Encoding): PromptEncoding {
  const features = stubFeatures(messages, ids.length)
  return features ? { ids, pieces, text, features } : { ids, pieces, text }
}
