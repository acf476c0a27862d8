import type { Subscriber } from 'zeromq'
import { decodeMessage, type KvEventMessage } from './message.ts'
import { replayEvents } from './replay-client.ts'
import { attach, loadZmq, needsIpv6 } from './zmq.ts'

/** Messages of one topic that did not come. */
export interface KvEventGap {
  readonly topic: string
  /** Numbers of the first and the last missing message. */
  readonly from: number
  readonly to: number
  /** The publisher began anew, so what was known of its cache no longer holds; `from` is then 0. */
  readonly restarted: boolean
}

export interface KvEventSubscriberOptions {
  /** E.g. `tcp://*:5557` to wait for publishers that connect, `tcp://10.0.0.1:5557` to go to one that binds. */
  readonly endpoint: string
  /** Default: bind when the endpoint contains `*`, else connect. */
  readonly bind?: boolean | undefined
  /** Only topics that begin so. Default: all. */
  readonly topic?: string
  /** The publisher's replay endpoint; missing messages are asked for there and come before the one that showed the gap. */
  readonly replayEndpoint?: string | undefined
  /** With `replayEndpoint`: begin with the messages from this number on. */
  readonly replayFrom?: number | undefined
  /** Hears of messages that did not come, before they are asked for. */
  readonly onGap?: (gap: KvEventGap) => void
  /** Hears of messages that make no sense, and of replays that failed. They are passed over. */
  readonly onProblem?: (message: string) => void
}

/**
 * Receives KV cache events. `start`, then iterate over the messages (once); `close` ends the iteration.
 */
export class KvEventSubscriber {
  readonly #options: KvEventSubscriberOptions
  /** Per topic the number and time of the newest message. */
  readonly #newest = new Map<string, { sequence: number; timestamp: number }>()
  readonly #closing = new AbortController()
  #socket: Subscriber | undefined

  constructor(options: KvEventSubscriberOptions) {
    this.#options = options
  }

  /** The endpoint with the port that was bound or is connected to. */
  get endpoint(): string | undefined {
    return this.#socket?.lastEndpoint ?? undefined
  }

  /** @throws Error when the endpoint cannot be bound or makes no sense */
  async start(): Promise<void> {
    const { endpoint, bind = endpoint.includes('*'), topic = '' } = this.#options
    const { Subscriber } = await loadZmq()
    const socket = new Subscriber({
      linger: 0,
      receiveHighWaterMark: 100_000,
      reconnectInterval: 100,
      reconnectMaxInterval: 1000,
      ipv6: needsIpv6(endpoint),
      tcpKeepalive: 1,
      tcpKeepaliveIdle: 30,
    })
    socket.subscribe(topic)
    try {
      await attach(socket, endpoint, bind)
    } catch (error) {
      socket.close()
      throw error
    }
    this.#socket = socket
  }

  close(): void {
    this.#closing.abort()
    this.#socket?.close()
    this.#socket = undefined
  }

  /** Messages of each topic in order of their numbers and each once, as far as replay can provide them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<KvEventMessage, void, undefined> {
    const socket = this.#socket
    if (!socket) throw new Error('start the KV event subscriber before reading from it')
    const { replayFrom, topic = '' } = this.#options
    if (replayFrom !== undefined) yield* this.#replay(replayFrom, Number.POSITIVE_INFINITY, topic)
    for await (const frames of socket) {
      const message = this.#decode(frames)
      if (!message) continue
      const gap = this.#gapBefore(message)
      if (gap === 'known') continue
      if (gap) {
        this.#options.onGap?.(gap)
        yield* this.#replay(gap.from, gap.to, message.topic)
      }
      this.#newest.set(message.topic, message)
      yield message
    }
  }

  /** What is missing before `message`, or `known` when it was had already. */
  #gapBefore(message: KvEventMessage): KvEventGap | 'known' | undefined {
    const { topic, sequence, timestamp } = message
    const newest = this.#newest.get(topic)
    if (!newest || sequence === newest.sequence + 1) return undefined
    if (sequence > newest.sequence) return { topic, from: newest.sequence + 1, to: sequence - 1, restarted: false }
    // A replay may overtake live messages; a lower number on a later message means that counting began anew.
    if (timestamp <= newest.timestamp) return 'known'
    this.#newest.delete(topic)
    return { topic, from: 0, to: sequence - 1, restarted: true }
  }

  async *#replay(from: number, to: number, topic: string): AsyncGenerator<KvEventMessage, void, undefined> {
    const { replayEndpoint: endpoint, onProblem } = this.#options
    if (!endpoint || to < from) return
    try {
      for await (const message of replayEvents({ endpoint, from, topic, signal: this.#closing.signal })) {
        if (message.sequence > to) return
        this.#newest.set(message.topic, message)
        yield message
      }
    } catch (error) {
      onProblem?.((error as Error).message)
    }
  }

  #decode(frames: Buffer[]): KvEventMessage | undefined {
    try {
      return decodeMessage(frames, false)
    } catch (error) {
      this.#options.onProblem?.(`a KV event message makes no sense: ${(error as Error).message}`)
      return undefined
    }
  }
}
