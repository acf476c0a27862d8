import type { ServerResponse } from 'node:http'
import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import type { Call, Choice, PlannedRequest } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import type { ErrorForm } from '../http/errors.ts'
import type { EventStream } from '../http/event-stream.ts'
import type { Steps } from '../http/feed.ts'
import type { Headers } from '../http/reply.ts'
import type { BodyText } from '../output/whole-answer.ts'

/** A request on its way to its plan. */
export interface HttpCall extends Call {
  readonly context: ApiContext
  /** The header with the client's key. */
  readonly authorization: string | undefined
  /** All checks are passed: errors from here on carry the headers of answers, as in the reference. */
  accept(): void
}

/** A request that has passed all checks: what the engine does, and what the encoders show. */
export interface Plan {
  readonly context: ApiContext
  readonly request: PlannedRequest
  readonly stream: boolean
}

/** Turns finished choices into an answer that is sent whole. */
export interface WholeEncoder {
  /** May give a long body in pieces, which are made as the client takes them. */
  encode(choices: readonly Choice[]): BodyText
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
  /** What is sent after that, made as the client takes it. */
  rest?(): Steps
}

/** Members that the pipeline itself reads of every request. */
export interface CommonWire {
  readonly model?: string | null | undefined
  readonly request_id?: unknown
}

/**
 * A generation endpoint: what its requests may look like, what they mean to the engine, and how answers look. The order of
 * checks, ids, failures, back-pressure and errors are the pipeline's and the same for all.
 */
export interface GenerationEndpoint<Wire extends CommonWire, P extends Plan> {
  readonly path: string
  /** Whether `X-Cache-Threshold-Finish-Reason` has an effect. */
  readonly cacheThresholdHeader: boolean
  /** Checks parsed JSON against the schema. @throws RequestError naming the member that is wrong */
  decode(json: unknown): Wire
  /** Whether the answer may have to fulfil a schema, a pattern or a grammar: what makes such texts is loaded when needed. */
  readonly needsStructure: (wire: Wire) => boolean
  /**
   * Checks all that the schema cannot say, once, and tokenizes. Encoders see what comes of it and never the wire.
   * @throws RequestError
   */
  plan(wire: Wire, call: HttpCall): P | Promise<P>
  whole(plan: P): WholeEncoder
  stream(plan: P): StreamEncoder
  /** How errors look here; the common form when absent. */
  readonly errors?: (context: ApiContext) => ErrorForm
  /**
   * Serves a request that no client waits for.
   * @returns false when this is none of that kind: then it goes the usual way
   * @throws RequestError when the engine refuses it
   */
  readonly detached?: (plan: P, res: ServerResponse, headers: Headers | undefined) => boolean
}
