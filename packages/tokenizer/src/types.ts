/** Token ids of a text, and the strings that they stand for. */
export interface Encoding {
  /** Unsigned 32-bit token ids. */
  readonly ids: number[]
  /**
   * One string per id. They join to the encoded text (simulated) or to what the ids decode to (HuggingFace). A piece may be
   * empty: a character whose bytes are spread over several tokens belongs to the token that completes it.
   */
  readonly pieces: string[]
}

/** Where the tokens of one image, audio or video item lie in the prompt; both in tokens. */
export interface PlaceholderRange {
  offset: number
  length: number
}

/** Multimodal features of a prompt, keyed by modality (`image`, `audio`, `video`), in the order of appearance. */
export interface MultimodalFeatures {
  mmHashes: Record<string, string[]>
  mmPlaceholders: Record<string, PlaceholderRange[]>
  /** Base64 of the processor's output; a real render service may send null entries. */
  kwargsData?: Record<string, (string | null)[]>
}

/** An encoded prompt. */
export interface PromptEncoding extends Encoding {
  /**
   * Start and end of each token in the text, in UTF-16 units as `String.slice` takes them. Present when asked for and when
   * the tokens decode to exactly the text. Tokens that share a character have its whole range; added special tokens [0, 0].
   */
  readonly offsets?: [start: number, end: number][]
  /** Present only when the chat has image, audio or video parts. */
  readonly features?: MultimodalFeatures
  /** The text that was encoded, where the tokenizer made it (a chat); absent when only a remote service knows it. */
  readonly text?: string
}

/** One block of a message's content, with the member names of the OpenAI protocol. Unknown types are carried along. */
export interface ContentPart {
  type: string
  text?: string
  image_url?: { url: string; [key: string]: unknown }
  input_audio?: { data: string; format?: string; [key: string]: unknown }
  video_url?: { url: string; [key: string]: unknown }
  [key: string]: unknown
}

/** A call that the assistant made earlier in the conversation. `arguments` is the JSON text as the client sent it. */
export interface ChatToolCall {
  id?: string
  name: string
  arguments: string
}

/** One message of a conversation, independent of the protocol it arrived by. */
export interface ChatMessage {
  role: string
  content: string | null | readonly ContentPart[]
  toolCalls?: readonly ChatToolCall[]
  toolCallId?: string
  name?: string
  /** Reasoning text of an earlier assistant turn; chat templates see it as `reasoning_content` and `reasoning`. */
  reasoning?: string
}

/**
 * How message content is handed to a chat template: `string` joins text parts, `openai` passes the list of parts. `auto`
 * looks whether the template walks over `content`.
 */
export type ContentFormat = 'auto' | 'string' | 'openai'

/** A conversation to be rendered to a prompt. */
export interface ChatRender {
  messages: readonly ChatMessage[]
  /** Tool definitions as in the request: `{type: 'function', function: {name, description, parameters}}`. */
  tools?: readonly unknown[]
  /** Documents for templates that support retrieval. */
  documents?: readonly unknown[]
  /** Ends the prompt with the start of an assistant turn. Default true. */
  addGenerationPrompt?: boolean
  /** Leaves the last message open, so that the model continues it. Default false; excludes `addGenerationPrompt`. */
  continueFinalMessage?: boolean
  /** A Jinja template that replaces the model's own for this request. */
  chatTemplate?: string
  /** Further template variables, such as `enable_thinking`. They win over the standard ones. */
  chatTemplateKwargs?: Readonly<Record<string, unknown>>
  /** Lets the tokenizer add BOS and the like to the rendered text. Default false: templates write them. */
  addSpecialTokens?: boolean
  /** Default `auto`. */
  contentFormat?: ContentFormat
}

/** How work that takes long is ended. */
export interface Cancel {
  /**
   * Its abort rejects the promise with its reason and ends the work. Read only when there will be a promise, so it may be a
   * getter that makes one.
   */
  readonly signal?: AbortSignal | undefined
}

/** Options of `Tokenizer.encode`. */
export interface EncodeOptions {
  /** Adds BOS and the like where the model's tokenizer has them. Default true, as vLLM does for `/v1/completions`. */
  addSpecialTokens?: boolean
  /** Asks for `PromptEncoding.offsets`. Default false. */
  offsets?: boolean
}

/** Options of `Tokenizer.decode`. */
export interface DecodeOptions {
  /** Leaves special tokens out. Default false. */
  skipSpecialTokens?: boolean
}

/** Turns ids that arrive one at a time into text; never emits half a character. */
export interface IncrementalDetokenizer {
  /** The text that is complete with this token; may be empty. */
  push(id: number): string
  /** What is still held back, U+FFFD for bytes that never became a character. Call it once, at the end. */
  flush(): string
}

/** Makes token ids of text and chats, and text of token ids. One object serves a whole process. */
export interface Tokenizer {
  readonly kind: 'simulated' | 'hf' | 'render'
  /** Where its files are; undefined when it has none. */
  readonly directory?: string
  /** Number of token ids, added tokens included; undefined where there is no vocabulary. */
  readonly vocabularySize?: number
  readonly bosTokenId?: number
  /** Ids that end a generation, from the model's configuration; empty when unknown. */
  readonly eosTokenIds: readonly number[]
  /**
   * Encodes a prompt. Returns a plain value where it can and a promise where the work is done elsewhere (a worker thread, a
   * render service): check with `instanceof Promise` on a hot path, or just `await`.
   * @throws TokenizerError when the text cannot be encoded
   */
  encode(text: string, options?: EncodeOptions, cancel?: Cancel): PromptEncoding | Promise<PromptEncoding>
  /**
   * Renders a conversation and encodes it; plain value or promise as for `encode`.
   * @throws TokenizerError with status 400 when the chat template refuses the conversation
   */
  encodeChat(chat: ChatRender, cancel?: Cancel): PromptEncoding | Promise<PromptEncoding>
  /** Encodes text of an answer (preset sentences, echo, tool arguments): no special tokens, always synchronous. */
  encodeOutput(text: string): Encoding
  /**
   * Asks ahead for the ids of texts that will be given to `encodeOutput`, where only a remote service knows them. Never
   * rejects: what cannot be had now is tried again later. Absent where `encodeOutput` needs no help.
   */
  prepareOutput?(texts: readonly string[]): Promise<void>
  /**
   * The text of a list of ids, for `/detokenize`; plain value or promise as for `encode`. Unknown ids give U+FFFD
   * (simulated) or nothing (as HuggingFace).
   */
  decode(ids: readonly number[], options?: DecodeOptions, cancel?: Cancel): string | Promise<string>
  /** A fresh detokenizer for one sequence. */
  detokenizer(options?: DecodeOptions): IncrementalDetokenizer
  /** The vocabulary entry of an id (for `/tokenize`'s `token_strs`), undefined if unknown. */
  tokenString(id: number): string | undefined
  /** Frees worker threads and connections. Calls under way are rejected. */
  close(): Promise<void>
}
