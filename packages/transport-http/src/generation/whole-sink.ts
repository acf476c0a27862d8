import type { ServerResponse } from 'node:http'
import {
  type GenerationRequest,
  type Outcome,
  type OutputSink,
  RequestError,
  type RequestHandle,
  type SequenceView,
  type Token,
} from '@vllm-sim/core-engine'
import type { Choice } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { type ErrorForm, toRequestError } from '../http/errors.ts'
import { type Headers, sendError, sendJson } from '../http/reply.ts'
import { sendJsonPieces } from '../http/reply-pieces.ts'
import type { WholeEncoder } from './endpoint.ts'
import { waitingBytes, waitingOutput } from './waiting-output.ts'
import { type Answer, watchClient } from './watch-client.ts'

/** Characters of text in an answer that is sent whole. Far above what a context and a sensible `n` come to. */
const longest = 2 ** 27

/** One choice. Its text is joined when it is encoded: until then it takes a place in a list per token. */
class Collected implements Choice {
  readonly tokens: Token[] = []
  readonly sequence: SequenceView
  outcome!: Outcome

  constructor(sequence: SequenceView) {
    this.sequence = sequence
  }

  get index(): number {
    return this.sequence.index
  }

  get text(): string {
    let text = ''
    for (const token of this.tokens) text += token.text
    return text
  }
}

/** Collects an answer and sends it whole. */
export class WholeSink implements OutputSink, Answer {
  readonly res: ServerResponse
  readonly #context: ApiContext
  readonly #encoder: WholeEncoder
  readonly #headers: Headers | undefined
  readonly #errors: ErrorForm
  readonly #choices: Collected[] = []
  #expected = 0
  #handle: RequestHandle | undefined
  #answered = false
  /** Characters of all choices so far. */
  #characters = 0
  /** What is counted as waiting, bytes. */
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
    const into = (this.#choices[sequence.index] ??= new Collected(sequence))
    let characters = 0
    for (let i = 0; i < count; i++) {
      const token = tokens[i]!
      into.tokens.push(token)
      characters += token.text.length
    }
    try {
      this.#count(count, characters)
    } catch (error) {
      this.fail(toRequestError(error))
    }
    return true
  }

  /** @throws RequestError 400 when the answer has become too long, 503 when all of them together have */
  #count(tokens: number, characters: number): void {
    this.#characters += characters
    if (this.#characters > longest) {
      throw new RequestError(
        400,
        `The answer is too long to be sent whole: more than ${longest} characters; ask for fewer choices or for a stream`,
        'n',
      )
    }
    const bytes = waitingBytes(tokens, characters)
    this.#waiting += bytes
    waitingOutput.add(bytes)
  }

  onFinish(sequence: SequenceView, outcome: Outcome): void {
    if (this.#answered) return
    if (outcome.error) {
      this.fail(outcome.error)
      return
    }
    const choice = (this.#choices[sequence.index] ??= new Collected(sequence))
    choice.outcome = outcome
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
    waitingOutput.remove(this.#waiting)
    this.#waiting = 0
  }
}
