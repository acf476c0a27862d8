import type { ServerResponse } from 'node:http'
import type { GenerationRequest, Outcome, OutputSink, RequestHandle, SequenceView, Token } from '@vllm-sim/core-engine'
import type { Choice } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { type ErrorForm, toRequestError } from '../http/errors.ts'
import { type Headers, sendError, sendJson } from '../http/reply.ts'
import { tooLong } from '../output/join-choices.ts'
import type { WholeEncoder } from './endpoint.ts'
import { watchClient } from './watch-client.ts'

interface Collected {
  text: string
  tokens: Token[]
}

/** Collects an answer and sends it whole. */
export class BodySink implements OutputSink {
  readonly #context: ApiContext
  readonly #res: ServerResponse
  readonly #encoder: WholeEncoder
  readonly #headers: Headers | undefined
  readonly #errors: ErrorForm
  readonly #collected: Collected[] = []
  readonly #choices: Choice[] = []
  #expected = 0
  #handle: RequestHandle | undefined
  #answered = false

  constructor(
    context: ApiContext,
    res: ServerResponse,
    encoder: WholeEncoder,
    headers: Headers | undefined,
    errors: ErrorForm,
  ) {
    this.#context = context
    this.#res = res
    this.#encoder = encoder
    this.#headers = headers
    this.#errors = errors
  }

  /** Submits the request; the rest follows by itself. @throws RequestError when the engine refuses it */
  run(request: GenerationRequest): void {
    this.#expected = request.prompts.length * request.n
    this.#handle = this.#context.engine.submit(request, this)
    if (this.#answered) this.#handle.abort()
    else watchClient(this.#context.socketTimeline, this.#res, () => this.#abandon())
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    const into = (this.#collected[sequence.index] ??= { text: '', tokens: [] })
    for (let i = 0; i < count; i++) into.text += tokens[i]!.text
    if (this.#encoder.wantsTokens || sequence.parts) for (let i = 0; i < count; i++) into.tokens.push(tokens[i]!)
    return true
  }

  onFinish(sequence: SequenceView, outcome: Outcome): void {
    if (this.#answered) return
    if (outcome.error) {
      this.#answered = true
      sendError(this.#res, outcome.error, this.#headers, this.#errors)
      this.#handle?.abort()
      return
    }
    const { text, tokens } = this.#collected[sequence.index] ?? { text: '', tokens: [] }
    this.#choices[sequence.index] = { index: sequence.index, text, tokens, sequence, outcome }
    if (--this.#expected > 0) return
    this.#answered = true
    try {
      sendJson(this.#res, 200, this.#encoder.encode(this.#choices), this.#headers)
    } catch (error) {
      // A text longer than the runtime can hold.
      const known = error instanceof RangeError ? tooLong() : toRequestError(error)
      if (known.status >= 500) this.#context.log.error({ err: error }, 'answer could not be encoded')
      sendError(this.#res, known, this.#headers, this.#errors)
    }
  }

  #abandon(): void {
    if (this.#answered) return
    this.#answered = true
    this.#handle?.abort()
  }
}
