import { fromBinary } from '@bufbuild/protobuf'
import type { ConnectError } from '@connectrpc/connect'
import { type GenerateResponse, GenerateResponseSchema } from '../gen/vllm/grpc/engine/engine_pb.ts'
import type { MessageStream } from '../hot/message-stream.ts'
import { messagesOf } from '../wire/frame.ts'

/** Messages that may wait for a reader before it counts as behind. */
const mostWaiting = 64

/** Messages of a call for those who take them one by one: the protocols that are not served on the quick way. */
export class MessageQueue implements MessageStream, AsyncIterable<GenerateResponse> {
  readonly #waiting: Uint8Array[] = []
  #wake: (() => void) | undefined
  #drained: (() => void) | undefined
  #left: (() => void) | undefined
  #over = false
  #error: ConnectError | undefined

  /** @param signal tells that the client has left or that its deadline has passed */
  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.#leave(), { once: true })
    if (signal.aborted) this.#over = true
  }

  write(frames: Uint8Array): boolean {
    for (const message of messagesOf(frames)) this.#waiting.push(message)
    this.#wake?.()
    return this.#waiting.length < mostWaiting
  }

  onDrain(run: () => void): void {
    this.#drained = run
  }

  end(error?: ConnectError): void {
    this.#over = true
    this.#error = error
    this.#wake?.()
  }

  onLeave(run: () => void): void {
    if (this.#over) run()
    else this.#left = run
  }

  cancel(): void {
    this.#leave()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerateResponse> {
    try {
      for (;;) {
        const message = this.#waiting.shift()
        if (message) yield fromBinary(GenerateResponseSchema, message)
        else if (this.#over) break
        else await this.#more()
      }
      if (this.#error) throw this.#error
    } finally {
      this.#leave()
    }
  }

  #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const drained = this.#drained
    this.#drained = undefined
    drained?.()
    return promise
  }

  #leave(): void {
    this.#over = true
    const left = this.#left
    this.#left = undefined
    left?.()
    this.#wake?.()
  }
}
