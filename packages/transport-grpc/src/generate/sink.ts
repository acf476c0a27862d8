import type { Outcome, OutputSink, RequestHandle, SequenceView, Token } from '@vllm-sim/core-engine'
import type { GrpcContext } from '../context.ts'
import type { MessageStream } from '../hot/message-stream.ts'
import { toConnectError } from '../status.ts'
import { TokenChunks } from '../wire/token-chunk.ts'
import { chunkFrame, completeFrame } from './messages.ts'
import type { GeneratePlan } from './plan.ts'

/** Sends the answer of one call, as it is generated or whole. */
export class GenerateSink implements OutputSink {
  readonly #context: GrpcContext
  readonly #plan: GeneratePlan
  readonly #out: MessageStream
  /** Per choice: what its plain chunks have in common. */
  readonly #chunks: TokenChunks[] = []
  /** Per choice: its tokens, when nothing is streamed. */
  readonly #tokens: Token[][] = []
  /** Frames of a choice's last tokens, which leave together with its end. */
  #last: Uint8Array | undefined
  #expected: number
  #handle: RequestHandle | undefined
  #over = false
  /** Ends the present, or last, wait for the client. */
  #stopWaiting: (() => void) | undefined

  constructor(context: GrpcContext, plan: GeneratePlan, out: MessageStream) {
    this.#context = context
    this.#plan = plan
    this.#out = out
    this.#expected = plan.request.prompts.length * plan.request.n
  }

  /** Submits the request; the rest follows by itself. @throws RequestError when the engine refuses it */
  run(): void {
    this.#handle = this.#context.engine.submit(this.#plan.request, this)
    if (this.#over) this.#handle.abort()
    else this.#out.onLeave(() => this.abandon())
  }

  /** The client has left, or has not got its answer in time: the request ends now. */
  abandon(): void {
    this.#stopWaiting?.()
    if (this.#over) return
    this.#over = true
    this.#handle?.abort()
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    if (this.#over || count === 0) return true
    if (!this.#plan.stream) {
      const kept = (this.#tokens[sequence.index] ??= [])
      for (let i = 0; i < count; i++) kept.push(tokens[i]!)
      return true
    }
    const frames = this.#frames(sequence, tokens, count)
    if (sequence.final) {
      this.#last = frames
      return true
    }
    if (this.#out.write(frames)) return true
    this.#hold()
    return false
  }

  onFinish(sequence: SequenceView, outcome: Outcome): void {
    if (this.#over) return
    if (outcome.error) {
      this.#over = true
      this.#handle?.abort()
      this.#out.end(toConnectError(outcome.error))
      return
    }
    const tokens = this.#plan.stream ? undefined : (this.#tokens[sequence.index] ?? [])
    const end = completeFrame(sequence, outcome, tokens, this.#plan, this.#context)
    this.#out.write(this.#last ? Buffer.concat([this.#last, end]) : end)
    this.#last = undefined
    if (--this.#expected > 0) return
    this.#over = true
    this.#out.end()
  }

  #frames(sequence: SequenceView, tokens: readonly Token[], count: number): Uint8Array {
    const { logprobs, promptLogprobs } = this.#plan
    if (logprobs !== undefined || promptLogprobs !== undefined) {
      const first = sequence.outputTokens - count
      const frames: Uint8Array[] = []
      for (let i = 0; i < count; i++) frames.push(chunkFrame(tokens[i]!, first + i, sequence, this.#plan))
      return Buffer.concat(frames)
    }
    const { index, promptTokens, cachedTokens } = sequence
    const chunks = (this.#chunks[index] ??= new TokenChunks(promptTokens, cachedTokens, index))
    let size = 0
    for (let i = 0; i < count; i++) size += chunks.size(tokens[i]!.id)
    const frames = Buffer.allocUnsafe(size)
    let at = 0
    for (let i = 0; i < count; i++) at = chunks.write(frames, at, tokens[i]!.id)
    return frames
  }

  /** A reader that stops holds its own call alone, and is given up when it does not come back. */
  #hold(): void {
    const { socketTimeline, stalledAfter } = this.#context
    this.#stopWaiting?.()
    this.#stopWaiting = socketTimeline.at(socketTimeline.clock.now() + stalledAfter, () => {
      this.abandon()
      this.#out.cancel()
    })
    this.#out.onDrain(() => {
      this.#stopWaiting?.()
      this.#handle?.resume()
    })
  }
}
