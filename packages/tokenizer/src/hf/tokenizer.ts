import { isLight } from '../chat/light.ts'
import { imagePlaceholder } from '../chat/prepare.ts'
import { ChatRenderer, type ChatRendererOptions } from '../chat/renderer.ts'
import { TemplateSandbox } from '../chat/sandbox.ts'
import type { StrftimeNow } from '../chat/template.ts'
import { flattenChat } from '../flatten.ts'
import { hasMedia, stubFeatures } from '../multimodal.ts'
import { decodeInSlices, isLongList, type Pause } from '../slices.ts'
import type {
  Cancel,
  ChatRender,
  ContentFormat,
  DecodeOptions,
  EncodeOptions,
  Encoding,
  IncrementalDetokenizer,
  MultimodalFeatures,
  PromptEncoding,
  Tokenizer,
} from '../types.ts'
import { decoderKind } from './decoder-kind.ts'
import { HfEncoder } from './encoder.ts'
import { readTokenizerFiles, type TokenizerFiles } from './files.ts'
import { createLibraryTokenizer, encodePlain, type LibraryTokenizer } from './library.ts'
import { tokenOffsets } from './offsets.ts'
import { isSegmentable } from './segments.ts'
import { isSliceable } from './slices.ts'
import { eosIds, type SurroundingIds, specialToken, surroundingIds } from './special-ids.ts'
import { TokenText } from './token-text.ts'
import { WorkerEncoder } from './worker-encoder.ts'

/** Special tokens that a config may name, each a variable of chat templates. */
const SPECIAL_TOKENS = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token']

/** Default of `HfTokenizerOptions.workerThreshold`; README, "Long prompts", says how it was measured. */
const WORKER_THRESHOLD = { 'byte-level': 1500, other: 300 } as const

/** Settings of `HfTokenizer.load`. All are optional. */
export interface HfTokenizerOptions {
  /** Jinja source that replaces the model's chat template. */
  chatTemplate?: string
  /** How content is handed to chat templates. Default `auto`. */
  contentFormat?: ContentFormat
  /**
   * Longest text that is encoded on the caller's thread, in ASCII characters not seen before (a Han character counts as
   * five); what is longer goes to a worker thread. Default: about what takes 2 ms, 1,500 for byte-level tokenizers and 300
   * for others. `Infinity`: no worker.
   */
  workerThreshold?: number
  /** Size of the cache of encoded texts, in characters. Default 4 million (some 15 MB); 0 turns it off. */
  cacheCharacters?: number
  /** The worker's module, for programs that bundle this package. */
  workerScript?: URL
  /** The same of the process that renders long conversations and those with a template of their own. */
  templateScript?: URL
  /** Resolves when others have had their turn: long lists of ids are then decoded in slices. Default: all at once. */
  pause?: Pause
  /** Called once when the model has no chat template, and when the worker thread fails. */
  onWarning?: (message: string) => void
  /**
   * `strftime_now` of chat templates that print the date. Default: the system's clock, which templates of requests see in
   * any case, as they are rendered in a thread of their own.
   */
  strftimeNow?: StrftimeNow
}

/** What a template of a request may take. A million characters are some 250,000 tokens. */
const untrusted = { memoryLimitMb: 64, mostCharacters: 2 ** 20 }

/** A HuggingFace tokenizer in process: real ids, chat templates, and text for every id. */
export class HfTokenizer implements Tokenizer {
  readonly kind = 'hf'
  /** Where the files were read from. */
  readonly directory: string
  readonly vocabularySize: number
  readonly bosTokenId?: number
  readonly eosTokenIds: readonly number[]
  readonly #library: LibraryTokenizer
  readonly #encoder: HfEncoder
  readonly #text: TokenText
  readonly #renderer: ChatRenderer
  readonly #worker: WorkerEncoder
  /** For the model's template, and for those of requests, which may only keep each other waiting. */
  readonly #sandboxes: { readonly own: TemplateSandbox; readonly requests: TemplateSandbox }
  readonly #alwaysHere: boolean
  readonly #around: SurroundingIds
  readonly #onWarning: (message: string) => void
  readonly #pause: Pause | undefined
  #warned = false

  private constructor(
    files: TokenizerFiles,
    library: LibraryTokenizer,
    renderer: ChatRenderer,
    rendererOptions: ChatRendererOptions,
    options: HfTokenizerOptions,
  ) {
    this.directory = files.directory
    this.#library = library
    this.#renderer = renderer
    this.#onWarning = options.onWarning ?? (() => {})
    this.#pause = options.pause
    this.#around = surroundingIds(library, files.tokenizerConfig)
    this.vocabularySize = library.model?.vocab.length ?? 0
    const bos = library.token_to_id(specialToken(files.tokenizerConfig, 'bos_token') ?? '')
    if (bos !== undefined) this.bosTokenId = bos
    const others = [files.generationConfig, files.modelConfig]
    this.eosTokenIds = eosIds(library, { tokenizer: files.tokenizerConfig, others })
    const special = new Set<number>()
    for (const token of files.tokenizerJson.added_tokens ?? []) if (token.special) special.add(token.id)
    const kind = decoderKind(files.tokenizerJson.decoder)
    this.#text = new TokenText(kind, { token: id => library.id_to_token(id), isSpecial: id => special.has(id) })
    const { strftimeNow, ...sendable } = rendererOptions
    this.#alwaysHere = strftimeNow !== undefined || options.workerThreshold === Number.POSITIVE_INFINITY
    const sandbox = { renderer: sendable, script: options.templateScript }
    this.#sandboxes = { own: new TemplateSandbox(sandbox), requests: new TemplateSandbox({ ...sandbox, ...untrusted }) }
    this.#worker = new WorkerEncoder({
      start: { directory: files.directory },
      sliceable: isSegmentable(files.tokenizerJson) && isSliceable(files.tokenizerJson, library),
      fallback: text => Uint32Array.from(encodePlain(library, text)),
      onWarning: this.#onWarning,
      script: options.workerScript,
    })
    this.#encoder = new HfEncoder({
      library,
      tokenizerJson: files.tokenizerJson,
      workerThreshold: options.workerThreshold ?? WORKER_THRESHOLD[kind.style === 'byte-level' ? kind.style : 'other'],
      cacheCharacters: options.cacheCharacters ?? 4_000_000,
      worker: this.#worker,
    })
  }

  /**
   * Reads the tokenizer files of a directory and builds the tokenizer; half a second for a vocabulary of 150,000.
   * @throws TokenizerError (`files`) when a file is missing, damaged or of an unsupported kind
   */
  static async load(directory: string, options: HfTokenizerOptions = {}): Promise<HfTokenizer> {
    const files = await readTokenizerFiles(directory)
    const specialTokens: Record<string, string> = {}
    for (const name of SPECIAL_TOKENS) {
      const content = specialToken(files.tokenizerConfig, name)
      if (content !== undefined) specialTokens[name] = content
    }
    const rendererOptions: ChatRendererOptions = {
      template: options.chatTemplate ?? files.chatTemplate,
      specialTokens,
      contentFormat: options.contentFormat,
      imagePlaceholder: imagePlaceholder(files.modelConfig['model_type']),
      strftimeNow: options.strftimeNow,
    }
    const renderer = await ChatRenderer.create(rendererOptions)
    return new HfTokenizer(files, await createLibraryTokenizer(files), renderer, rendererOptions, options)
  }

  encode(text: string, options?: EncodeOptions, cancel?: Cancel): PromptEncoding | Promise<PromptEncoding> {
    const source = text.toWellFormed()
    const ids = this.#encoder.encode(source, cancel)
    if (ids instanceof Promise) return ids.then(plain => this.#finish(source, plain, options))
    return this.#finish(source, ids, options)
  }

  encodeChat(chat: ChatRender, cancel?: Cancel): PromptEncoding | Promise<PromptEncoding> {
    const requests = chat.chatTemplate !== undefined
    if (!requests && (this.#alwaysHere || isLight(chat) || this.#renderer.templateFor(chat) === undefined)) {
      return this.#encodeRendered(chat, this.renderChat(chat), cancel)
    }
    const sandbox = requests ? this.#sandboxes.requests : this.#sandboxes.own
    return sandbox.render(chat, cancel).then(text => this.#encodeRendered(chat, text, cancel))
  }

  /**
   * The prompt text of a conversation.
   * @throws TokenizerError (400) when the chat template refuses it
   */
  renderChat(chat: ChatRender): string {
    if (this.#renderer.templateFor(chat) !== undefined) return this.#renderer.render(chat)
    if (!this.#warned) {
      this.#warned = true
      const instead = 'chats are written as "### role: text"; give --chat-template to change that'
      this.#onWarning(`the tokenizer in ${this.directory} has no chat template: ${instead}`)
    }
    return flattenChat(chat.messages)
  }

  encodeOutput(text: string): Encoding {
    const ids = this.#encoder.encodeSync(text.toWellFormed())
    return { ids, pieces: this.#text.pieces(ids) }
  }

  decode(ids: readonly number[], options?: DecodeOptions, cancel?: Cancel): string | Promise<string> {
    if (!this.#pause || !isLongList(ids)) return this.#text.decode(ids, options)
    const { push, flush } = this.#text.detokenizer(options)
    const decode = (slice: readonly number[]): string => slice.map(push).join('')
    return decodeInSlices(ids, decode, this.#pause, cancel?.signal).then(text => text + flush())
  }

  detokenizer(options?: DecodeOptions): IncrementalDetokenizer {
    return this.#text.detokenizer(options)
  }

  tokenString(id: number): string | undefined {
    return this.#library.id_to_token(id)
  }

  /** Pieces of any ids; they join to `decode(ids)`. */
  pieces(ids: readonly number[]): string[] {
    return this.#text.pieces(ids)
  }

  async close(): Promise<void> {
    const { own, requests } = this.#sandboxes
    await Promise.all([this.#worker.close(), own.close(), requests.close()])
  }

  #encodeRendered(
    chat: ChatRender,
    rendered: string,
    cancel: Cancel | undefined,
  ): PromptEncoding | Promise<PromptEncoding> {
    const text = rendered.toWellFormed()
    const complete = ({ ids }: PromptEncoding): PromptEncoding => {
      const features = hasMedia(chat.messages) ? stubFeatures(chat.messages, ids.length) : undefined
      return this.#encoding(ids, { text, ...(features ? { features } : {}) })
    }
    const encoding = this.encode(text, { addSpecialTokens: chat.addSpecialTokens ?? false }, cancel)
    return encoding instanceof Promise ? encoding.then(complete) : complete(encoding)
  }

  /** Adds special tokens and, where asked for, offsets. */
  #finish(text: string, plain: number[], options: EncodeOptions = {}): PromptEncoding {
    const { prefix, suffix } = this.#around
    const around = options.addSpecialTokens !== false && prefix.length + suffix.length > 0
    const ids = around ? [...prefix, ...plain, ...suffix] : plain
    const offsets = options.offsets ? this.#offsets(text, plain) : undefined
    if (!offsets) return this.#encoding(ids, {})
    const nowhere = (special: readonly number[]) => (around ? special.map((): [number, number] => [0, 0]) : [])
    return this.#encoding(ids, { offsets: [...nowhere(prefix), ...offsets, ...nowhere(suffix)] })
  }

  #offsets(text: string, ids: readonly number[]): [number, number][] | undefined {
    if (this.#text.decode(ids) !== text) return undefined
    const lengths = ids.map(id => this.#text.byteLength(id))
    const surplus = lengths.reduce((sum, length) => sum + length, 0) - Buffer.byteLength(text)
    if (surplus === 0) return tokenOffsets(text, lengths)
    // The decoder takes the space that was put before the text; a first token that is only that has the first character.
    if (surplus !== 1 || lengths.length === 0) return undefined
    lengths[0]! -= 1
    const offsets = tokenOffsets(text, lengths)
    if (offsets[0]![1] === 0) offsets[0] = [0, text.codePointAt(0)! > 0xffff ? 2 : 1]
    return offsets
  }

  /** Most callers never look at a prompt's pieces, so they are made on first use. */
  #encoding(ids: number[], rest: { text?: string; features?: MultimodalFeatures; offsets?: [number, number][] }) {
    const text = this.#text
    let pieces: string[] | undefined
    return {
      ids,
      get pieces(): string[] {
        return (pieces ??= text.pieces(ids))
      },
      ...rest,
    }
  }
}
