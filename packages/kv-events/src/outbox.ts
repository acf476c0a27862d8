import type { Clock } from '@vllm-sim/core-engine'
import type { Publisher } from 'zeromq'
import { errorCode } from './zmq.ts'

export interface OutboxOptions {
  /** With `noDrop` and a `sendTimeout` of 0, so that a full subscriber shows as the error EAGAIN. */
  readonly socket: Publisher
  /** In real time, like all that concerns sockets. */
  readonly clock: Clock
  /** Called whenever all messages are with the socket. */
  readonly onEmpty: () => void
  /** Hears of messages that were not sent, and of subscribers that do not read. */
  readonly onProblem: (message: string) => void
}

/** Messages, and bytes, that are taken before the event loop gets its turn. */
const mostMessages = 1000
const mostBytes = 2 ** 20
/** Milliseconds between attempts while a subscriber is full. */
const retryEvery = 5
/** Milliseconds that messages wait at most for subscribers that do not read, and how fast they are saved up again. */
const patience = 1000
const recovery = 0.1
/** Messages between pauses while it cannot be told who of the subscribers has room: fewer than may wait for one. */
const pace = 500

/**
 * Hands messages to a PUB socket. When a subscriber has as many waiting as it may, the next message waits for it: one that
 * reads misses nothing. One that does not read cannot hold up the others for longer than a second, nor for more than a
 * tenth of the time; then messages go out without it, as everything does beyond a high-water mark.
 */
export class Outbox {
  readonly #options: OutboxOptions
  #queue: Buffer[][] = []
  #bytes = 0
  #sending: Promise<void> | undefined
  #patience = patience
  #patienceAt: number
  #leavingOut = false
  /** Messages that were sent no matter who has room. */
  #unchecked = 0

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#patienceAt = options.clock.now()
  }

  /** Puts a message behind the others. @returns whether there is room for another */
  push(message: Buffer[]): boolean {
    this.#queue.push(message)
    for (const frame of message) this.#bytes += frame.length
    this.#sending ??= this.#send()
    return this.#queue.length < mostMessages && this.#bytes < mostBytes
  }

  /** Resolves when nothing waits any more. */
  async empty(): Promise<void> {
    await this.#sending
  }

  async #send(): Promise<void> {
    const { clock } = this.#options
    while (this.#queue.length > 0) {
      const messages = this.#queue
      this.#queue = []
      this.#bytes = 0
      for (const message of messages) await this.#sendOne(message)
      if (this.#queue.length === 0) this.#options.onEmpty()
      if (this.#queue.length > 0) await new Promise<void>(resolve => clock.soon(resolve))
    }
    this.#sending = undefined
  }

  async #sendOne(message: Buffer[]): Promise<void> {
    const { socket, onProblem } = this.#options
    try {
      if (await this.#sendToAll(message)) {
        this.#leavingOut = false
        return
      }
      if (!this.#leavingOut) onProblem('a subscriber to KV events does not read; it misses messages from here on')
      this.#leavingOut = true
      socket.noDrop = false
      await socket.send(message)
      socket.noDrop = true
      // Whoever does read has the time to.
      if (++this.#unchecked % pace === 0) await this.#pause()
    } catch (error) {
      if (!socket.closed) onProblem(`a KV event message was not sent: ${(error as Error).message}`)
    }
  }

  /** @returns false when a subscriber has no room for it, and has kept the others waiting long enough */
  async #sendToAll(message: Buffer[]): Promise<boolean> {
    const { socket } = this.#options
    for (;;) {
      try {
        await socket.send(message)
        return true
      } catch (error) {
        if (errorCode(error) !== 'EAGAIN') throw error
      }
      if (!(await this.#wait())) return false
    }
  }

  /** @returns false without having waited when the patience is used up */
  async #wait(): Promise<boolean> {
    const { clock } = this.#options
    const began = clock.now()
    this.#patience = Math.min(patience, this.#patience + recovery * (began - this.#patienceAt))
    this.#patienceAt = began
    if (this.#patience < retryEvery) return false
    await this.#pause()
    this.#patienceAt = clock.now()
    this.#patience -= this.#patienceAt - began
    return true
  }

  #pause(): Promise<void> {
    return new Promise(resolve => this.#options.clock.timer(retryEvery, resolve))
  }
}
