import { eventLoopTurn, longWork } from './long-work.ts'

/**
 * Where time comes from. Everything in vllm-sim that waits or takes a time stamp is handed a `Clock`, so the same code
 * runs on the wall clock, on a scaled one and, in tests, on a virtual one.
 */
export interface Clock {
  /** Monotonic time in milliseconds with its fraction. The origin has no meaning. */
  now(): number
  /** Unix time in milliseconds with its fraction. */
  wall(): number
  /** Calls `run` once, `delay` milliseconds from now or later. `cancel` is harmless when it already ran. */
  timer(delay: number, run: () => void): Timer
  /** Calls `run` once, at `due` on the scale of `now()` or later; a virtual clock then shows exactly `due`. */
  timerAt(due: number, run: () => void): Timer
  /** Calls `run` after the input and output that is waiting has been served. */
  soon(run: () => void): void
  /**
   * Calls `run` in a later turn of the event loop that has time left for long work. All pieces of long work of the process
   * share that time, first in, first out: each should take some milliseconds at most.
   */
  whenFree(run: () => void): void
  /** Changes from one turn of the event loop to the next: what is served between two calls of the system for events. */
  readonly eventLoopTurn: number
  /** The clock beneath that nobody scales: for what concerns the machine, such as sockets and time slices. */
  readonly real: Clock
}

/** ISO 8601 of a Unix time in milliseconds, in UTC. */
export function isoTime(wall: number): string {
  return new Date(wall).toISOString()
}

/** Unix time in milliseconds, with all its digits, of a date and time in UTC such as `2023-11-16 18:15:46.6805900`; NaN when it is none. */
export function unixTime(text: string): number {
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?Z?$/.exec(text.trim())
  return parts ? Date.parse(`${parts[1]}T${parts[2]}Z`) + 1000 * Number(parts[3] ?? 0) : Number.NaN
}

/** A pending call of a `Clock`. */
export interface Timer {
  cancel(): void
}

/**
 * The longest single delay, in milliseconds: 2^31 - 1, nearly 25 days, the limit of the platform's timers. Options above
 * it are to be refused. A timer for longer is cut to it, so callers re-arm; a latency model that multiplies its way
 * beyond is cut to it as well, so that a due time is always a finite number.
 */
export const longestDelay = 2 ** 31 - 1

/** The machine's clock. */
export class RealClock implements Clock {
  get real(): Clock {
    return this
  }

  get eventLoopTurn(): number {
    return eventLoopTurn()
  }

  now(): number {
    return performance.now()
  }

  wall(): number {
    return performance.timeOrigin + performance.now()
  }

  timer(delay: number, run: () => void): Timer {
    const handle = setTimeout(run, Math.min(Math.max(1, Math.ceil(delay)), longestDelay))
    return { cancel: () => clearTimeout(handle) }
  }

  timerAt(due: number, run: () => void): Timer {
    return this.timer(due - this.now(), run)
  }

  soon(run: () => void): void {
    setImmediate(run)
  }

  whenFree(run: () => void): void {
    longWork.add(run)
  }
}

/** Another clock sped up (`factor` above 1) or slowed down (below 1); it starts at the other clock's time. */
export class ScaledClock implements Clock {
  readonly #clock: Clock
  readonly #factor: number
  readonly #start: number
  readonly #wallStart: number

  /**
   * @param factor simulated milliseconds per millisecond of `clock`, above 0
   * @throws RangeError when `factor` is not a positive finite number
   */
  constructor(clock: Clock, factor: number) {
    if (!(factor > 0 && factor < Number.POSITIVE_INFINITY))
      throw new RangeError(`clock factor must be above 0, got ${factor}`)
    this.#clock = clock
    this.#factor = factor
    this.#start = clock.now()
    this.#wallStart = clock.wall()
  }

  get real(): Clock {
    return this.#clock.real
  }

  get eventLoopTurn(): number {
    return this.#clock.eventLoopTurn
  }

  now(): number {
    return this.#start + (this.#clock.now() - this.#start) * this.#factor
  }

  wall(): number {
    return this.#wallStart + (this.#clock.now() - this.#start) * this.#factor
  }

  timer(delay: number, run: () => void): Timer {
    return this.#clock.timer(delay / this.#factor, run)
  }

  timerAt(due: number, run: () => void): Timer {
    return this.timer(due - this.now(), run)
  }

  soon(run: () => void): void {
    this.#clock.soon(run)
  }

  whenFree(run: () => void): void {
    this.#clock.whenFree(run)
  }
}

interface VirtualTimer {
  due: number
  order: number
  run: () => void
}

/** A clock that stands still until it is told to move. An hour passes in the time its work takes. */
export class VirtualClock implements Clock {
  #now: number
  readonly #epoch: number
  #order = 0
  #timers: VirtualTimer[] = []
  #soon: (() => void)[] = []

  /**
   * @param start the first value of `now()`, milliseconds
   * @param epoch Unix time at `start`, milliseconds
   */
  constructor(start = 0, epoch = 1_767_225_600_000) {
    this.#now = start
    this.#epoch = epoch - start
  }

  /** Itself: work takes no time here, so slices of it never end. */
  get real(): Clock {
    return this
  }

  /** Each of its times is a turn. */
  get eventLoopTurn(): number {
    return this.#now
  }

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#epoch + this.#now
  }

  timer(delay: number, run: () => void): Timer {
    return this.timerAt(this.#now + Math.max(0, delay), run)
  }

  timerAt(due: number, run: () => void): Timer {
    const timer = { due, order: this.#order++, run }
    this.#timers.push(timer)
    return {
      cancel: () => {
        const at = this.#timers.indexOf(timer)
        if (at >= 0) this.#timers.splice(at, 1)
      },
    }
  }

  soon(run: () => void): void {
    this.#soon.push(run)
  }

  /** As `soon`: work takes no time here. */
  whenFree(run: () => void): void {
    this.soon(run)
  }

  /** Moves `ms` milliseconds ahead and runs all that falls due on the way, in order of due time. */
  advance(ms: number): void {
    this.advanceTo(this.#now + ms)
  }

  /** Moves to the absolute time `target` and runs all that falls due on the way. */
  advanceTo(target: number): void {
    for (;;) {
      this.#runSoon()
      const next = this.#next()
      if (!next || next.due > target) break
      this.#fire(next)
    }
    this.#now = Math.max(this.#now, target)
  }

  /**
   * Moves to the next timer and runs all that is due then.
   * @returns false when there was none; then nothing moved
   */
  step(): boolean {
    this.#runSoon()
    const next = this.#next()
    if (!next) return false
    this.advanceTo(next.due)
    return true
  }

  /** Runs until no timer is left. Endless for a program that always has one. */
  runAll(): void {
    for (;;) {
      this.#runSoon()
      const next = this.#next()
      if (!next) return
      this.#fire(next)
    }
  }

  #fire(timer: VirtualTimer): void {
    this.#timers.splice(this.#timers.indexOf(timer), 1)
    this.#now = Math.max(this.#now, timer.due)
    timer.run()
  }

  #next(): VirtualTimer | undefined {
    let best: VirtualTimer | undefined
    for (const timer of this.#timers) {
      if (!best || timer.due < best.due || (timer.due === best.due && timer.order < best.order)) best = timer
    }
    return best
  }

  #runSoon(): void {
    while (this.#soon.length > 0) {
      const runs = this.#soon
      this.#soon = []
      for (const run of runs) run()
    }
  }
}
