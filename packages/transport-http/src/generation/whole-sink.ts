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
import type { Choice } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { type ErrorForm, toRequestError } from '../http/errors.ts'
import { type Headers, sendError, sendJson } from '../http/reply.ts'
import { sendJsonPieces } from '../http/reply-pieces.ts'
import type { WholeEncoder } from './endpoint.ts'
import { waitingTokens } from './waiting-tokens.ts'
import { type Answer, watchClient } from './watch-client.ts'

interface Collected {
  text: string
  tokens: Token[]
}

/** Collects an answer and sends it whole. */
export class WholeSink implements OutputSink, Answer {
  readonly res: ServerResponse
  readonly #context: ApiContext
  readonly #encoder: WholeEncoder
  readonly #headers: Headers | undefined
  readonly #errors: ErrorForm
  readonly #collected: Collected[] = []
  readonly #choices: Choice[] = []
  #expected = 0
  #handle: RequestHandle | undefined
  #answered = false
  /** Tokens that are counted as waiting. */
  #waiting = 0

  constructor(
    context: ApiContext,
    res: ServerResponse,
    encoder: WholeEncoder,
    headers: Headers | undefined,
    errors: ErrorForm,
  ) {
    this.#context = context
    this.res = res
    this.#encoder = encoder
    this.#headers = headers
    this.#errors = errors
  }

  /** Submits the request; the rest follows by itself. @throws RequestError when the engine refuses it */
  run(request: GenerationRequest): void {
    this.#expected = request.prompts.length * request.n
    this.#handle = this.#context.engine.submit(request, this)
    // What takes no time is over here: nobody can have left.
    if (this.res.writableEnded) this.#release()
    else watchClient(this.#context.socketTimeline, this)
    if (this.#answered && this.#expected > 0) this.#handle.abort()
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    if (this.#answered) return true
    this.#waiting += count
    try {
      waitingTokens.add(count)
    } catch (error) {
      this.fail(toRequestError(error))
      return true
    }
    const into = (this.#collected[sequence.index] ??= { text: '', tokens: [] })
    for (let i = 0; i < count; i++) into.text += tokens[i]!.text
    if (this.#encoder.wantsTokens || sequence.parts) for (let i = 0; i < count; i++) into.tokens.push(tokens[i]!)
    return true
  }

  onFinish(sequence: SequenceView, outcome: Outcome): void {
    if (this.#answered) return
    if (outcome.error) {
      this.fail(outcome.error)
      return
    }
    const { text, tokens } = this.#collected[sequence.index] ?? { text: '', tokens: [] }
    this.#choices[sequence.index] = { index: sequence.index, text, tokens, sequence, outcome }
    if (--this.#expected > 0) return
    this.#answered = true
    try {
      const body = this.#encoder.encode(this.#choices)
      if (typeof body === 'string') sendJson(this.res, 200, body, this.#headers)
      else sendJsonPieces(this.res, 200, body, this.#context.socketTimeline.clock, this.#headers)
    } catch (error) {
      const known = toRequestError(error)
      if (known.status >= 500) this.#context.log.error({ err: error }, 'answer could not be encoded')
      sendError(this.res, known, this.#headers, this.#errors)
    }
  }

  fail(error: RequestError): void {
    if (this.#answered) return
    this.#answered = true
    sendError(this.res, error, this.#headers, this.#errors)
    this.#handle?.abort()
  }

  closed(): void {
    this.#release()
    if (this.#answered) return
    this.#answered = true
    this.#handle?.abort()
  }

  #release(): void {
    waitingTokens.remove(this.#waiting)
    this.#waiting = 0
  }
}
