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
import { Feed } from '../http/feed.ts'
import { type Headers, sendError } from '../http/reply.ts'
import type { StreamEncoder } from './endpoint.ts'
import { type Answer, watchClient } from './watch-client.ts'

/** Sends an answer as it is generated. */
export class StreamSink implements OutputSink, Answer {
  readonly res: ServerResponse
  readonly #context: ApiContext
  readonly #encoder: StreamEncoder
  readonly #headers: Headers | undefined
  readonly #errors: ErrorForm
  readonly #out: EventStream
  #expected = 0
  #handle: RequestHandle | undefined
  #over = false
  /** Sends what comes after the last choice. */
  #rest: Feed | undefined
  /** The client is behind, and the engine waits for it. */
  #held = false

  constructor(
    context: ApiContext,
    res: ServerResponse,
    encoder: StreamEncoder,
    headers: Headers | undefined,
    errors: ErrorForm,
  ) {
    this.#context = context
    this.res = res
    this.#encoder = encoder
    this.#headers = headers
    this.#errors = errors
    this.#out = new EventStream(res)
  }

  /** Submits the request; the rest follows by itself. @throws RequestError when the engine refuses it */
  run(request: GenerationRequest): void {
    this.#expected = request.prompts.length * request.n
    this.#handle = this.#context.engine.submit(request, this)
    // What takes no time is over here: nobody can have left.
    if (!this.#over) watchClient(this.#context.socketTimeline, this)
    else if (this.#expected > 0) this.#handle.abort()
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    if (this.#over) return true
    try {
      this.#begin()
      this.#encoder.tokens(this.#out, sequence, tokens, count)
    } catch (error) {
      this.fail(toRequestError(error))
      return true
    }
    // What ends the answer follows at once and leaves in the same write.
    if (sequence.final && this.#expected === 1) return true
    if (this.#out.flush()) return true
    this.#hold()
    return false
  }

  onFinish(sequence: SequenceView, outcome: Outcome): void {
    if (this.#over) return
    if (outcome.error) {
      this.fail(outcome.error)
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
      const rest = this.#encoder.rest?.()
      if (rest) {
        this.#rest = new Feed(this.#context.socketTimeline.clock, this.#out, rest, () => {
          this.#over = true
        })
        this.#rest.next()
        return
      }
    } catch (error) {
      this.fail(toRequestError(error))
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

  fail(error: RequestError): void {
    if (this.#over) return
    this.#over = true
    this.#handle?.abort()
    // An error gets its own status while nothing was sent, afterwards a frame and a complete end of the stream.
    if (!this.#out.started) {
      sendError(this.res, error, this.#headers, this.#errors)
      return
    }
    if (this.#rest) {
      this.#rest.fail(error, this.#errors)
      return
    }
    this.#out.frame(this.#errors.frames(error))
    this.#out.end()
  }

  closed(): void {
    if (this.#over) return
    this.#over = true
    this.#handle?.abort()
  }

  #hold(): void {
    if (this.#held) return
    this.#held = true
    this.#out.onDrain(() => {
      this.#held = false
      this.#handle?.resume()
    })
  }
}
