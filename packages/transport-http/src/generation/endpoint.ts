import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GenerationRequest, Outcome, Prompt, SequenceView, Token } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import type { ErrorForm } from '../http/errors.ts'
import type { EventStream } from '../http/event-stream.ts'
import type { Headers } from '../http/reply.ts'

/** One call of a generation endpoint, with a request that has passed all checks. */
export interface Call<Body> {
  readonly context: ApiContext
  readonly body: Body
  /** The bare request id; endpoints put their own prefix before it. */
  readonly id: string
  /** The model's name as answers show it. */
  readonly model: string
  readonly request: GenerationRequest & { readonly prompts: readonly EncodedPrompt[] }
}

/** A prompt with what only answers that repeat it need. */
export interface EncodedPrompt extends Prompt {
  /** The prompt's tokens; present when the endpoint asked for them. They join to the text. */
  readonly tokens?: readonly Token[]
  /** The text that was encoded, for a conversation the rendered one; present when asked for and known. */
  readonly text?: string
}

/** What came in, beside the parsed body. */
export interface Received {
  readonly req: IncomingMessage
  /** The body as it was sent. */
  readonly text: string
  /** The bare request id. */
  readonly id: string
}

/** What the engine gave for one choice of an answer that is sent whole. */
export interface Choice {
  readonly index: number
  readonly text: string
  /** Only when the encoder asked for them. */
  readonly tokens: readonly Token[]
  readonly sequence: SequenceView
  readonly outcome: Outcome
}

/** Turns finished choices into the body of an answer. */
export interface BodyEncoder {
  /** Needs each choice's tokens, not only its text. */
  readonly wantsTokens: boolean
  encode(choices: readonly Choice[]): string
}

/** Turns tokens into the frames of a stream. Frames are added to `out`; the caller sends them. */
export interface StreamEncoder {
  /** The first output exists: the status line is about to leave. */
  begin?(out: EventStream): void
  /** Tokens of one choice; `count` may be 0 in the first call. */
  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void
  /** One choice ended. */
  finish(out: EventStream, sequence: SequenceView, outcome: Outcome): void
  /** All choices ended. */
  end(out: EventStream): void
}

/** The parts of a request that differ from endpoint to endpoint; the rest is filled in by the pipeline. */
export type Lowered = { readonly prompts: readonly EncodedPrompt[] } & Pick<GenerationRequest, 'n' | 'limits'> &
  Partial<
    Pick<
      GenerationRequest,
      'seed' | 'output' | 'kvTransfer' | 'cacheSalt' | 'cacheHitThreshold' | 'extraDelay' | 'fingerprint'
    >
  >

/** Members that the pipeline itself reads from every body. */
export interface CommonBody {
  readonly model?: string | null | undefined
  readonly stream?: boolean | null | undefined
}

/**
 * A generation endpoint: how its body is read, what it means to the engine, and how answers look. The order of checks,
 * ids, failures, back-pressure and errors are the pipeline's and the same for all.
 */
export interface GenerationEndpoint<Body extends CommonBody> {
  readonly path: string
  /** Whether `X-Cache-Threshold-Finish-Reason` has an effect. */
  readonly cacheThresholdHeader: boolean
  /** Checks the parsed JSON. @throws RequestError naming the member that is wrong */
  parse(json: unknown, context: ApiContext): Body
  /** Checks that need no tokens and come after the model's name was found. @throws RequestError */
  validate(body: Body, context: ApiContext): void
  /** Tokenizes and lowers the request. @throws RequestError */
  lower(body: Body, context: ApiContext, model: string, received: Received): Lowered | Promise<Lowered>
  body(call: Call<Body>): BodyEncoder
  stream(call: Call<Body>): StreamEncoder
  /** How errors look here; the common form when absent. */
  readonly errors?: (context: ApiContext) => ErrorForm
  /**
   * Serves a request that no client waits for.
   * @returns false when this is none of that kind: then it goes the usual way
   * @throws RequestError when the engine refuses it
   */
  readonly detached?: (call: Call<Body>, res: ServerResponse, headers: Headers | undefined) => boolean
}

export type { Prompt }
