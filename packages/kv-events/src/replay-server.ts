import type { Timeline } from '@vllm-sim/core-engine'
import type { Router } from 'zeromq'
import type { ReplayWindow } from './replay-window.ts'
import { endMark, errorCode, loadZmq, needsIpv6, sequenceFrame } from './zmq.ts'

export interface ReplayServerOptions {
  /** Bound, e.g. `tcp://*:5558`. */
  readonly endpoint: string
  readonly topic: string
  readonly window: ReplayWindow
  readonly timeline: Timeline
  /** Hears why replay does not work; the rest goes on. */
  readonly onProblem: (message: string) => void
}

interface Client {
  readonly identity: Buffer
  /** Messages still to send. */
  readonly answers: Buffer[][]
  next: number
  /** Since when it does not take more; -1 when it does. */
  stalledAt: number
}

/** Messages to one client before the next gets its turn, and before the event loop gets its. */
const turn = 32
/** Milliseconds between attempts when no client takes more. */
const retryEvery = 20
/** Milliseconds after which a client that takes nothing is given up. */
const patience = 10_000
const mostClients = 1000
/** Messages that may wait for one client; a client that asks for more is not answered. */
const mostAnswers = 100_000

/**
 * Answers `[empty, start]` with every batch from `start` on that is still known, each as `[empty, topic, sequence,
 * payload]`, and an end mark. Clients are served in turns; one that does not read waits for itself alone.
 */
export class ReplayServer {
  readonly #options: ReplayServerOptions
  readonly #clients = new Map<string, Client>()
  #router: Router | undefined
  #pumping = false
  #wake: (() => void) | undefined

  constructor(options: ReplayServerOptions) {
    this.#options = options
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
    const router = new Router({ mandatory: true, sendTimeout: 0, linger: 0, ipv6: needsIpv6(endpoint) })
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
    const client = this.#clients.get(key) ?? { identity, answers: [], next: 0, stalledAt: -1 }
    if (this.#clients.size >= mostClients && !this.#clients.has(key)) return
    if (client.answers.length - client.next > mostAnswers) return
    const topic = Buffer.from(this.#options.topic)
    const nothing = Buffer.alloc(0)
    for (const { sequence, payload } of this.#options.window.since(Number(start.readBigUInt64BE())))
      client.answers.push([identity, nothing, topic, sequenceFrame(sequence), payload])
    client.answers.push([identity, nothing, nothing, endMark, nothing])
    this.#clients.set(key, client)
    this.#wake?.()
    if (!this.#pumping) void this.#pump()
  }

  async #pump(): Promise<void> {
    const { clock } = this.#options.timeline
    this.#pumping = true
    while (this.#router && this.#clients.size > 0) {
      let progress = false
      for (const [key, client] of this.#clients) {
        const sent = await this.#send(client)
        if (sent > 0) progress = true
        const now = clock.now()
        if (sent < 0 || client.next >= client.answers.length) this.#clients.delete(key)
        else if (sent > 0) client.stalledAt = -1
        else if (client.stalledAt < 0) client.stalledAt = now
        else if (now - client.stalledAt > patience) this.#clients.delete(key)
      }
      // Also after progress: a long replay must not hold up the tokens that are due.
      await this.#pause(progress ? 0 : retryEvery)
    }
    this.#pumping = false
  }

  /** Sends a turn's worth. @returns messages sent, 0 when it takes none now, -1 when it is gone */
  async #send(client: Client): Promise<number> {
    const end = Math.min(client.answers.length, client.next + turn)
    let sent = 0
    while (client.next < end) {
      try {
        await this.#router?.send(client.answers[client.next]!)
      } catch (error) {
        return errorCode(error) === 'EAGAIN' ? sent : -1
      }
      client.next++
      sent++
    }
    // What was sent is let go, also for a client that keeps asking.
    if (client.next >= 1024) client.next -= client.answers.splice(0, client.next).length
    return sent
  }

  #pause(ms: number): Promise<void> {
    const { timeline } = this.#options
    return new Promise(resolve => {
      if (ms === 0) {
        timeline.clock.soon(resolve)
        return
      }
      const cancel = timeline.at(timeline.clock.now() + ms, () => this.#wake?.())
      this.#wake = () => {
        this.#wake = undefined
        cancel()
        resolve()
      }
    })
  }
}
