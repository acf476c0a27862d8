import type { GenerationRequest, Outcome, OutputSink, RequestHandle, SequenceView } from './request.ts'
import type { Token } from './token.ts'

/** What `generate` yields: tokens of one choice that fell due together, or how a choice ended. */
export type Generated =
  | { readonly type: 'tokens'; readonly index: number; readonly tokens: readonly Token[] }
  | { readonly type: 'finish'; readonly index: number; readonly outcome: Outcome }

/** Tokens that wait for the consumer before the engine is told that it is behind. */
const readAhead = 1024

/** A request as an async iterable: the sink on one side, a queue in between, `next` on the other. */
export class GeneratedStream implements OutputSink, AsyncIterableIterator<Generated> {
  readonly #queue: Generated[] = []
  #waiting: ((result: IteratorResult<Generated>) => void)[] = []
  #handle: RequestHandle | undefined
  #open: number
  #ahead = 0
  #over = false

  /** @param submit hands the request to the engine; an error that it throws passes through */
  constructor(request: GenerationRequest, submit: (sink: OutputSink) => RequestHandle) {
    this.#open = request.prompts.length * request.n
    this.#handle = submit(this)
    if (this.#open === 0) this.#over = true
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    if (count > 0) this.#put({ type: 'tokens', index: sequence.index, tokens: tokens.slice(0, count) })
    return this.#ahead < readAhead
  }

  onFinish(sequence: SequenceView, outcome: Outcome): void {
    this.#open--
    this.#put({ type: 'finish', index: sequence.index, outcome })
    if (this.#open > 0) return
    this.#over = true
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true })
  }

  next(): Promise<IteratorResult<Generated>> {
    const value = this.#queue.shift()
    if (!value) {
      if (this.#over) return Promise.resolve({ value: undefined, done: true })
      return new Promise(resolve => this.#waiting.push(resolve))
    }
    if (value.type === 'tokens') this.#ahead -= value.tokens.length
    if (this.#ahead < readAhead) this.#handle?.resume()
    return Promise.resolve({ value, done: false })
  }

  /** Nobody reads on: the request is aborted. */
  return(): Promise<IteratorResult<Generated>> {
    this.#handle?.abort()
    this.#over = true
    this.#queue.length = 0
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true })
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #put(value: Generated): void {
    const waiting = this.#waiting.shift()
    if (waiting) {
      waiting({ value, done: false })
      return
    }
    this.#queue.push(value)
    if (value.type === 'tokens') this.#ahead += value.tokens.length
  }
}
