import { type EngineObserver, type KvCacheEvent, RealClock, Timeline } from '@vllm-sim/core-engine'
import type { Publisher } from 'zeromq'
import { EventBatcher } from './batcher.ts'
import type { EventFormat } from './encode.ts'
import { bindsEndpoint } from './endpoint.ts'
import type { FedBatch } from './fed-batch.ts'
import { Outbox } from './outbox.ts'
import { ReplayServer } from './replay-server.ts'
import { ReplayWindow } from './replay-window.ts'
import { attach, loadZmq, needsIpv6, sequenceFrame } from './zmq.ts'

export interface KvEventPublisherOptions {
  /** Where the events go: bound or connected to by vLLM's rule (`bindsEndpoint`). */
  readonly endpoint: string
  /** First frame of each message, by which subscribers filter; see `kvTopic`. */
  readonly topic: string
  /** Data-parallel rank, in every message. Default 0. It does not move the endpoint; see `offsetEndpoint`. */
  readonly rank?: number
  /** Default `array`. */
  readonly format?: EventFormat
  /** Events that make a full message. Default 16. */
  readonly batchSize?: number
  /** Milliseconds that an event waits at most for more to join it; 0: not at all. Default 900, so that it leaves within 1 s. */
  readonly batchDelay?: number
  /** Events that may wait before they are dropped. Default 100,000. */
  readonly maxPending?: number
  /** Number of the first message. Default 0 when the endpoint is bound (as vLLM), 1 when not (as llm-d-inference-sim). */
  readonly firstSequence?: number
  /**
   * Messages that may wait for one subscriber. Further ones wait in the publisher, in larger batches, and are lost for a
   * subscriber that does not read. Default and most: 2,000, which is 64 MiB; 0 is the most too.
   */
  readonly highWaterMark?: number
  /** Where missed messages can be asked for; always bound. Default: nowhere. */
  readonly replayEndpoint?: string | undefined
  /** Messages kept for replay, fewer when they are more than 64 MiB. Default 1024. */
  readonly replayBatches?: number
  /** Milliseconds of real time that unsent messages may hold up the end of the process. Default 1,000, as vLLM. */
  readonly linger?: number
  /** By which batches wait and are stamped. Default: one on the real clock. */
  readonly timeline?: Timeline
  /** Hears what went wrong and does not end the publisher. */
  readonly onProblem?: (message: string) => void
}

const realClock = new RealClock()
/** Messages that may wait for one subscriber: as many as are 64 MiB when all have the largest size. */
const mostWaiting = 2000
/** Longest message that a peer may send; subscriptions are topics. */
const maxMessageSize = 4096

/**
 * Publishes KV cache events over ZMQ as vLLM and llm-d-inference-sim do: `[topic, sequence, msgpack batch]`. Hang it on
 * an engine as an observer, or call `onCacheEvent` yourself. Nothing waits for a subscriber: without one, messages are
 * numbered, kept for replay and lost.
 */
export class KvEventPublisher implements EngineObserver {
  readonly #options: KvEventPublisherOptions
  readonly #batcher: EventBatcher
  readonly #window: ReplayWindow | undefined
  readonly #replay: ReplayServer | undefined
  readonly #topic: Buffer
  readonly #taps: ((batch: FedBatch) => void)[] = []
  #outbox: Outbox | undefined
  #socket: Publisher | undefined
  #state: 'new' | 'open' | 'closed' = 'new'

  /** @throws RangeError for numbers that are no batch size, delay or count */
  constructor(options: KvEventPublisherOptions) {
    this.#options = options
    this.#topic = Buffer.from(options.topic)
    const onProblem = options.onProblem ?? (() => {})
    const timeline = options.timeline ?? new Timeline(realClock)
    this.#batcher = new EventBatcher({
      timeline,
      batchSize: atLeast(1, options.batchSize ?? 16, 'batchSize'),
      batchDelay: atLeast(0, options.batchDelay ?? 900, 'batchDelay'),
      maxPending: atLeast(1, options.maxPending ?? 100_000, 'maxPending'),
      rank: atLeast(0, options.rank ?? 0, 'rank'),
      format: options.format ?? 'array',
      firstSequence: atLeast(0, options.firstSequence ?? (bindsEndpoint(options.endpoint) ? 0 : 1), 'firstSequence'),
      deliver: (sequence, payload, events, timestamp) => {
        for (const listener of this.#taps) listener({ sequence, timestamp, events })
        return this.#deliver(sequence, payload)
      },
      onDropped: () => onProblem('KV events come faster than they can be sent; some are dropped'),
    })
    if (options.replayEndpoint) {
      this.#window = new ReplayWindow(atLeast(1, options.replayBatches ?? 1024, 'replayBatches'))
      const { replayEndpoint: endpoint, topic } = options
      this.#replay = new ReplayServer({ endpoint, topic, window: this.#window, clock: realClock, onProblem })
    }
  }

  /** The endpoint with the port that was bound or is connected to; undefined before `start`. */
  get endpoint(): string | undefined {
    return this.#socket?.lastEndpoint ?? undefined
  }

  /** The bound replay endpoint; undefined when there is none, or before `start`. */
  get replayEndpoint(): string | undefined {
    return this.#replay?.endpoint
  }

  /** Number of the next message. */
  get sequence(): number {
    return this.#batcher.sequence
  }

  /**
   * Opens the sockets. A peer need not be there: connecting goes on in the background, again whenever it is lost.
   * @throws Error when the endpoint cannot be bound or makes no sense. A replay endpoint that cannot be bound is only
   * a problem
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a KV event publisher can be started once')
    this.#state = 'open'
    const { endpoint, highWaterMark = 0, linger = 1000, onProblem = () => {} } = this.#options
    const { Publisher } = await loadZmq()
    const socket = new Publisher({
      linger,
      sendHighWaterMark: Math.min(highWaterMark || mostWaiting, mostWaiting),
      noDrop: true,
      sendTimeout: 0,
      maxMessageSize,
      ipv6: needsIpv6(endpoint),
      reconnectInterval: 100,
      reconnectMaxInterval: 1000,
      // A peer that vanished without a word must not be fed for ever.
      tcpKeepalive: 1,
      tcpKeepaliveIdle: 30,
      tcpKeepaliveInterval: 10,
      tcpKeepaliveCount: 3,
    })
    try {
      await attach(socket, endpoint, bindsEndpoint(endpoint))
      await this.#replay?.start()
    } catch (error) {
      socket.close()
      throw error
    }
    if (this.isClosed) {
      socket.close()
      this.#replay?.close()
      return
    }
    this.#socket = socket
    this.#outbox = new Outbox({ socket, clock: realClock, onEmpty: () => this.#batcher.resume(), onProblem })
  }

  /** Calls `listener` with each batch from now on, as it is handed to the socket. */
  tap(listener: (batch: FedBatch) => void): void {
    this.#taps.push(listener)
  }

  /** Takes an event; it leaves with its batch, later. */
  onCacheEvent(event: KvCacheEvent): void {
    if (this.#state !== 'closed') this.#batcher.add(event)
  }

  /** Sends what waits now. Resolves when the socket has it all. */
  async flush(): Promise<void> {
    this.#batcher.flush()
    await this.#outbox?.empty()
  }

  /** Sends what waits and closes. What subscribers have not taken after `linger` is lost. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.#state = 'closed'
    await this.flush()
    this.#replay?.close()
    this.#socket?.close()
    this.#socket = undefined
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  #deliver(sequence: number, payload: Buffer): boolean {
    this.#window?.add({ sequence, payload })
    return this.#outbox?.push([this.#topic, sequenceFrame(sequence), payload]) ?? true
  }
}

function atLeast(least: number, value: number, name: string): number {
  if (!(value >= least)) throw new RangeError(`${name} of a KV event publisher must be ${least} or more, got ${value}`)
  return value
}
