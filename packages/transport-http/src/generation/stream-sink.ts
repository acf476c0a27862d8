import type { ServerResponse } from 'node:http'
import type {
  GenerationRequest,
  Outcome,
  OutputSink,
  RequestError,
  RequestHandle,
  SequenceView,
  Token,
} from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { type ErrorForm, toRequestError } from '../http/errors.ts'
import { EventStream } from '../http/event-stream.ts'
import { type Headers, sendError } from '../http/reply.ts'
import type { StreamEncoder } from './endpoint.ts'
import { watchClient } from './watch-client.ts'

/** A client that reads nothing for this long is given up, milliseconds. */
const stalledAfter = 300_000

/** Sends an answer as it is generated. */
export class StreamSink implements OutputSink {
  readonly #context: ApiContext
  readonly #res: ServerResponse
  readonly #encoder: StreamEncoder
  readonly #headers: Headers | undefined
  readonly #errors: ErrorForm
  readonly #out: EventStream
  #expected = 0
  #handle: RequestHandle | undefined
  #over = false
  /** Choices that wait until the client has caught up. */
  #held: number[] | undefined
  /** Ends the present, or last, wait for the client. */
  #stopWaiting: (() => void) | undefined

  constructor(
    context: ApiContext,
    res: ServerResponse,
    encoder: StreamEncoder,
    headers: Headers | undefined,
    errors: ErrorForm,
  ) {
    this.#context = context
    this.#res = res
    this.#encoder = encoder
    this.#headers = headers
    this.#errors = errors
    this.#out = new EventStream(res)
  }

  /** Submits the request; the rest follows by itself. @throws RequestError when the engine refuses it */
  run(request: GenerationRequest): void {
    this.#expected = request.prompts.length * request.n
    this.#handle = this.#context.engine.submit(request, this)
    if (this.#over) this.#handle.abort()
    else watchClient(this.#context.socketTimeline, this.#res, () => this.#abandon())
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    if (this.#over) return true
    try {
      this.#begin()
      this.#encoder.tokens(this.#out, sequence, tokens, count)
    } catch (error) {
      this.#fail(toRequestError(error))
      return true
    }
    // What ends the answer follows at once and leaves in the same write.
    if (sequence.final && this.#expected === 1) return true
    if (this.#out.flush()) return true
    this.#hold(sequence.index)
    return false
  }

  onFinish(sequence: SequenceView, outcome: Outcome): void {
    if (this.#over) return
    if (outcome.error) {
      this.#fail(outcome.error)
      return
    }
    try {
      this.#begin()
      this.#encoder.finish(this.#out, sequence, outcome)
      if (--this.#expected > 0) {
        this.#out.flush()
        return
      }
      this.#encoder.end(this.#out)
    } catch (error) {
      this.#fail(toRequestError(error))
      return
    }
    this.#over = true
    this.#out.end()
  }

  #begin(): void {
    if (this.#out.started) return
    this.#out.start(this.#headers)
    this.#encoder.begin?.(this.#out)
  }

  /** An error gets its own status while nothing was sent, afterwards a frame and a complete end of the stream. */
  #fail(error: RequestError): void {
    this.#over = true
    this.#handle?.abort()
    if (!this.#out.started) {
      sendError(this.#res, error, this.#headers, this.#errors)
      return
    }
    this.#out.frame(this.#errors.frames(error))
    this.#out.end()
  }

  #hold(index: number): void {
    if (this.#held) {
      this.#held.push(index)
      return
    }
    this.#held = [index]
    // One listener for all the times that a slow reader is waited for.
    if (!this.#stopWaiting) this.#res.once('close', () => this.#stopWaiting?.())
    this.#stopWaiting = this.#context.timeline.at(this.#context.clock.now() + stalledAfter, () => this.#res.destroy())
    this.#out.onDrain(() => {
      this.#stopWaiting?.()
      const held = this.#held ?? []
      this.#held = undefined
      if (held.length > 0) this.#handle?.resume()
    })
  }

  #abandon(): void {
    if (this.#over) return
    this.#over = true
    this.#handle?.abort()
  }
}
