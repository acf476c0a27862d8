import { LRUCache } from 'lru-cache'
import { TokenizerError } from '../errors.ts'
import { joinChat } from '../flatten.ts'
import { hasMedia } from '../multimodal.ts'
import { SimulatedTokenizer } from '../simulated.ts'
import { fitPieces } from '../split.ts'
import type {
  Cancel,
  ChatRender,
  DecodeOptions,
  EncodeOptions,
  Encoding,
  IncrementalDetokenizer,
  PromptEncoding,
  Tokenizer,
} from '../types.ts'
import { RenderClient, type RenderClientOptions, type Rendered } from './client.ts'
import { SharedCall } from './shared-call.ts'
import { chatBody } from './wire.ts'

/** Address of a `vllm launch render` on the same machine, where nothing else is given. */
export const DEFAULT_RENDER_URL = 'http://localhost:8082'

const TEXT_PATH = '/v1/completions/render'
const CHAT_PATH = '/v1/chat/completions/render'

/** The part of an in-process tokenizer that gives ids their text; `HfTokenizer` has it. */
export interface LocalText extends Tokenizer {
  pieces(ids: readonly number[]): string[]
}

/** Settings of `RenderTokenizer`. */
export interface RenderTokenizerOptions extends Omit<RenderClientOptions, 'url'> {
  /** Default `http://localhost:8082`. */
  url?: string | undefined
  /** Model name in every request, whatever name or adapter the client asked for. */
  model: string
  /** Longest time of one call, in milliseconds. Default 30,000. */
  timeoutMs?: number | undefined
  /** The same for chats with images, audio or video. Default 60,000. */
  mediaTimeoutMs?: number | undefined
  /** Real tokenizer files of the same model: pieces, answers' ids and decoding are then real too. Closed with this one. */
  local?: LocalText | undefined
  /** Size of the cache of answers, in characters of text and ids times four. Default 8 million; 0 turns it off. */
  cacheCharacters?: number
}

/**
 * Gets ids from a vLLM render service. The service knows no pieces: with `local` they are the ids' real text, otherwise the
 * text is cut into as many pieces as there are ids.
 *
 * Answers cannot wait for the service, because `encodeOutput` is synchronous: `local` encodes them, else they have the ids
 * that the service gave for exactly this text in `prepareOutput`, else those of the simulated tokenizer. So a service that is
 * down at start does not matter until the first request.
 */
export class RenderTokenizer implements Tokenizer {
  readonly kind = 'render'
  readonly vocabularySize?: number
  readonly bosTokenId?: number
  readonly eosTokenIds: readonly number[]
  readonly #client: RenderClient
  readonly #model: string
  readonly #timeoutMs: number
  readonly #mediaTimeoutMs: number
  readonly #local: LocalText | undefined
  readonly #output: Tokenizer
  readonly #cache: LRUCache<string, SharedCall<Rendered> | Rendered> | undefined
  /** Ids of answers by their text; undefined while the service has not given them. */
  readonly #prepared = new Map<string, number[] | undefined>()
  #preparing: Promise<void> | undefined
  #closed = false

  constructor(options: RenderTokenizerOptions) {
    this.#client = new RenderClient({ ...options, url: options.url ?? DEFAULT_RENDER_URL })
    this.#model = options.model
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#mediaTimeoutMs = options.mediaTimeoutMs ?? 60_000
    this.#local = options.local
    this.#output = options.local ?? new SimulatedTokenizer()
    const maxSize = options.cacheCharacters ?? 8_000_000
    if (maxSize > 0) this.#cache = new LRUCache({ maxSize })
    this.eosTokenIds = options.local?.eosTokenIds ?? []
    if (options.local?.vocabularySize !== undefined) this.vocabularySize = options.local.vocabularySize
    if (options.local?.bosTokenId !== undefined) this.bosTokenId = options.local.bosTokenId
  }

  encode(text: string, options?: EncodeOptions, cancel?: Cancel): PromptEncoding | Promise<PromptEncoding> {
    const prompt = text.toWellFormed()
    const special = options?.addSpecialTokens === false ? { add_special_tokens: false } : {}
    const body = { model: this.#model, prompt, ...special }
    return this.#render(TEXT_PATH, body, this.#timeoutMs, () => prompt, cancel)
  }

  encodeChat(chat: ChatRender, cancel?: Cancel): PromptEncoding | Promise<PromptEncoding> {
    const timeoutMs = hasMedia(chat.messages) ? this.#mediaTimeoutMs : this.#timeoutMs
    const body = chatBody(this.#model, chat)
    return this.#render(CHAT_PATH, body, timeoutMs, () => joinChat(chat.messages), cancel)
  }

  encodeOutput(text: string): Encoding {
    const ids = this.#prepared.get(text)
    return ids ? { ids: ids.slice(), pieces: fitPieces(text, ids.length) } : this.#output.encodeOutput(text)
  }

  async prepareOutput(texts: readonly string[]): Promise<void> {
    if (this.#local) return
    for (const text of texts) if (!this.#prepared.has(text)) this.#prepared.set(text, undefined)
    await this.#prepareMissing()
  }

  decode(ids: readonly number[], options?: DecodeOptions, cancel?: Cancel): string | Promise<string> {
    return this.#output.decode(ids, options, cancel)
  }

  detokenizer(options?: DecodeOptions): IncrementalDetokenizer {
    return this.#output.detokenizer(options)
  }

  tokenString(id: number): string | undefined {
    return this.#output.tokenString(id)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#output.close()
  }

  /** Gives up at the first failure; the next request that succeeds tries again. */
  #prepareMissing(): Promise<void> {
    this.#preparing ??= (async () => {
      for (const [text, known] of this.#prepared) {
        if (known) continue
        const body = { model: this.#model, prompt: text, add_special_tokens: false }
        const rendered = await this.#client.post(TEXT_PATH, body, this.#timeoutMs).catch(() => undefined)
        if (!rendered || this.#closed) break
        this.#prepared.set(text, rendered.ids)
      }
      this.#preparing = undefined
    })()
    return this.#preparing
  }

  /** Equal requests that are under way share one call; failures are not remembered. */
  #render(
    path: string,
    body: object,
    timeoutMs: number,
    text: () => string,
    cancel: Cancel | undefined,
  ): PromptEncoding | Promise<PromptEncoding> {
    const key = JSON.stringify(body)
    const known = this.#cache?.get(key)
    if (known && !(known instanceof SharedCall)) return this.#encoding(known, text)
    if (this.#closed) throw new TokenizerError('the tokenizer was closed', 'internal')
    const call = known && !known.abandoned ? known : this.#call(path, body, timeoutMs, key)
    return call.wait(cancel).then(rendered => this.#encoding(rendered, text))
  }

  #call(path: string, body: object, timeoutMs: number, key: string): SharedCall<Rendered> {
    const call = new SharedCall(async signal => {
      try {
        const rendered = await this.#client.post(path, body, timeoutMs, signal)
        this.#cache?.set(key, rendered, { size: key.length + 4 * rendered.ids.length })
        if ([...this.#prepared.values()].includes(undefined)) void this.#prepareMissing()
        return rendered
      } catch (error) {
        if (this.#cache?.get(key) === call) this.#cache?.delete(key)
        throw error
      }
    })
    this.#cache?.set(key, call, { size: key.length })
    return call
  }

  #encoding({ ids, features }: Rendered, text: () => string): PromptEncoding {
    const local = this.#local
    let pieces: string[] | undefined
    return {
      ids: ids.slice(),
      get pieces(): string[] {
        return (pieces ??= local ? local.pieces(ids) : fitPieces(text(), ids.length))
      },
      ...(features ? { features } : {}),
    }
  }
}
