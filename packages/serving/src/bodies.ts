import { getHeapStatistics } from 'node:v8'
import { RealClock, Timeline } from '@vllm-sim/core-engine'

/** Share of the heap that they may take. */
const share = 1 / 8
/** What a body gets at least while it is being received, bytes: about as much comes in one piece. */
const portion = 65_536
/** How long a body may take for a portion while others wait, milliseconds. */
const patience = 1000

/** Where a body comes from. */
export interface BodySource {
  /** Nothing more is to be received until `resume`. */
  pause(): void
  resume(): void
  /** Others wait for it, and it does not come: it is given up. Its bytes are free when this returns. */
  giveUp(): void
}

/** One body that is held. */
export interface HeldBody {
  /** More of it was received. */
  add(bytes: number): void
  /** All of it was received. */
  complete(): void
  /** It is needed no more. Harmless when repeated. */
  release(): void
}

class Held implements HeldBody {
  readonly source: BodySource
  readonly #bodies: Bodies
  bytes = 0
  /** What came since the last look at it, bytes; undefined when it could not come all that time. */
  lately: number | undefined

  constructor(bodies: Bodies, source: BodySource) {
    this.#bodies = bodies
    this.source = source
  }

  add(bytes: number): void {
    this.#bodies.add(this, bytes)
  }

  complete(): void {
    this.#bodies.complete(this)
  }

  release(): void {
    this.#bodies.release(this)
  }
}

/**
 * Bodies of requests and messages on their way in, of all connections, with a bound on what they take together. When it is
 * reached they are received one after the other, and those that stop coming are given up.
 */
export class Bodies {
  /** Most bytes that are held, beside a portion for each body. */
  readonly limit: number
  readonly #timeline: Timeline
  #bytes = 0
  readonly #coming = new Set<Held>()
  readonly #complete = new Set<Held>()
  /** In the order in which they had to wait. */
  readonly #waiting = new Set<Held>()
  #looks = false

  /** @param timeline of real time */
  constructor(limit: number, timeline: Timeline) {
    this.limit = limit
    this.#timeline = timeline
  }

  /** A body begins. */
  open(source: BodySource): HeldBody {
    const body = new Held(this, source)
    this.#coming.add(body)
    return body
  }

  add(body: Held, bytes: number): void {
    this.#bytes += bytes
    body.bytes += bytes
    if (body.lately !== undefined) body.lately += bytes
    const isLast = this.#coming.size === 1 && this.#complete.size === 0
    if (this.#bytes <= this.limit || isLast || !this.#coming.delete(body)) return
    this.#waiting.add(body)
    body.source.pause()
    if (!this.#looks) this.#look()
  }

  complete(body: Held): void {
    this.#coming.delete(body)
    this.#waiting.delete(body)
    this.#complete.add(body)
    this.#goOn()
  }

  release(body: Held): void {
    this.#bytes -= body.bytes
    body.bytes = 0
    this.#coming.delete(body)
    this.#waiting.delete(body)
    this.#complete.delete(body)
    this.#goOn()
  }

  /** Lets as many come as there is room for, and one when nothing else will make room. */
  #goOn(): void {
    for (let room = this.limit - this.#bytes; this.#waiting.size > 0; room -= portion) {
      if (room < portion && this.#coming.size + this.#complete.size > 0) return
      const [body] = this.#waiting
      this.#waiting.delete(body!)
      body!.lately = undefined
      this.#coming.add(body!)
      body!.source.resume()
    }
  }

  #look(): void {
    const timeline = this.#timeline
    this.#looks = true
    for (const body of this.#coming) body.lately = 0
    timeline.at(timeline.clock.now() + patience, () => {
      for (const body of [...this.#coming]) {
        if (body.lately === undefined || body.lately >= portion) continue
        this.release(body)
        body.source.giveUp()
      }
      this.#looks = false
      if (this.#waiting.size > 0) this.#look()
    })
  }
}

/** Those of the whole thread: what is protected is its memory. */
export const bodies = new Bodies(Math.floor(share * getHeapStatistics().heap_size_limit), new Timeline(new RealClock()))
