import type { Clock } from '@vllm-sim/core-engine'
import type { Router } from 'zeromq'
import type { PublishedBatch, ReplayWindow } from './replay-window.ts'
import { endMark, errorCode, loadZmq, needsIpv6, sequenceFrame } from './zmq.ts'

export interface ReplayServerOptions {
  /** Bound, e.g. `tcp://*:5558`. */
  readonly endpoint: string
  readonly topic: string
  readonly window: ReplayWindow
  /** In real time, like all that concerns sockets. */
  readonly clock: Clock
  /** Hears why replay does not work; the rest goes on. */
  readonly onProblem: (message: string) => void
}

/** A client's request: the next number that it gets, and the one before which it ends. */
interface Replay {
  next: number
  readonly end: number
}

interface Client {
  readonly identity: Buffer
  /** Requests that are not answered yet. Messages are made from the window when they are sent. */
  readonly replays: Replay[]
  /** Since when it does not take more; -1 when it does. */
  stalledAt: number
}

/** Messages to one client before the next gets its turn; as many may wait for it. */
const turn = 32
/** Milliseconds that clients are served before the event loop gets its turn. */
const turnTime = 8
/** Milliseconds between attempts when no client takes more. */
const retryEvery = 5
/** Milliseconds after which a client that takes nothing is given up. */
const patience = 10_000
/** Clients that are served at once, and requests of one; further ones are not answered. */
const mostClients = 128
const mostReplays = 16
/** Longest frame that a client may send. */
const maxMessageSize = 256
const nothing = Buffer.alloc(0)
const endFrames = [nothing, endMark, nothing]

/**
 * Answers `[empty, start]` with every batch from `start` on that is still known, each as `[empty, topic, sequence,
 * payload]`, and an end mark. Clients are served in turns; one that does not read waits for itself alone, and misses what
 * the window forgets meanwhile.
 */
export class ReplayServer {
  readonly #options: ReplayServerOptions
  readonly #topic: Buffer
  readonly #clients = new Map<string, Client>()
  #router: Router | undefined
  #pumping = false
  #wake: (() => void) | undefined

  constructor(options: ReplayServerOptions) {
    this.#options = options
    this.#topic = Buffer.from(options.topic)
  }

  /** The endpoint that was bound, with its port; undefined when it was not. */
  get endpoint(): string | undefined {
    return this.#router?.lastEndpoint ?? undefined
  }

  /** Binds. When that fails the problem is reported and there is no replay. */
  async start(): Promise<void> {
    const { Router } = await loadZmq()
    const { endpoint, onProblem } = this.#options
    // With these two a client's full queue is an error of its own message instead of a silent loss, and never a wait.
    const router = new Router({
      mandatory: true,
      sendTimeout: 0,
      sendHighWaterMark: turn,
      receiveHighWaterMark: mostReplays,
      maxMessageSize,
      linger: 0,
      ipv6: needsIpv6(endpoint),
    })
    try {
      await router.bind(endpoint)
    } catch (error) {
      router.close()
      onProblem(`cannot bind the KV event replay endpoint ${endpoint}: ${(error as Error).message}; going on without`)
      return
    }
    this.#router = router
    void this.#serve(router)
  }

  close(): void {
    this.#router?.close()
    this.#router = undefined
    this.#clients.clear()
    this.#wake?.()
  }

  async #serve(router: Router): Promise<void> {
    try {
      for await (const frames of router) this.#request(frames)
    } catch (error) {
      if (!router.closed) this.#options.onProblem(`KV event replay stopped: ${(error as Error).message}`)
    }
  }

  #request(frames: Buffer[]): void {
    const [identity, empty, start] = frames
    if (frames.length !== 3 || !identity || empty?.length !== 0 || !start || start.length < 8) return
    const key = identity.toString('latin1')
    const client = this.#clients.get(key) ?? { identity, replays: [], stalledAt: -1 }
    if (this.#clients.size >= mostClients && !this.#clients.has(key)) return
    if (client.replays.length >= mostReplays) return
    client.replays.push({ next: Number(start.readBigUInt64BE()), end: this.#options.window.end })
    this.#clients.set(key, client)
    this.#wake?.()
    if (!this.#pumping) void this.#pump()
  }

  async #pump(): Promise<void> {
    const { clock } = this.#options
    this.#pumping = true
    while (this.#router && this.#clients.size > 0) {
      let progress = false
      let begun = clock.now()
      for (const [key, client] of this.#clients) {
        const sent = await this.#send(client)
        if (sent > 0) progress = true
        const now = clock.now()
        if (sent < 0 || client.replays.length === 0) this.#clients.delete(key)
        else if (sent > 0) client.stalledAt = -1
        else if (client.stalledAt < 0) client.stalledAt = now
        else if (now - client.stalledAt > patience) this.#clients.delete(key)
        if (now - begun > turnTime) {
          await this.#pause(0)
          begun = clock.now()
        }
      }
      // Also after progress: a long replay must not hold up the tokens that are due.
      await this.#pause(progress ? 0 : retryEvery)
    }
    this.#pumping = false
  }

  /** Sends a turn's worth. @returns messages sent, 0 when it takes none now, -1 when it is gone */
  async #send(client: Client): Promise<number> {
    let sent = 0
    while (sent < turn && client.replays[0]) {
      const replay = client.replays[0]
      const batch = this.#options.window.from(replay.next)
      const isEnd = !batch || batch.sequence >= replay.end
      try {
        await this.#router?.send([client.identity, nothing, ...(isEnd ? endFrames : this.#frames(batch))])
      } catch (error) {
        return errorCode(error) === 'EAGAIN' ? sent : -1
      }
      if (isEnd) client.replays.shift()
      else replay.next = batch.sequence + 1
      sent++
    }
    return sent
  }

  #frames({ sequence, payload }: PublishedBatch): Buffer[] {
    return [this.#topic, sequenceFrame(sequence), payload]
  }

  #pause(ms: number): Promise<void> {
    const { clock } = this.#options
    return new Promise(resolve => {
      if (ms === 0) {
        clock.soon(resolve)
        return
      }
      const timer = clock.timer(ms, () => this.#wake?.())
      this.#wake = () => {
        this.#wake = undefined
        timer.cancel()
        resolve()
      }
    })
  }
}
