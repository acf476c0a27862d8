import type { Clock } from '@vllm-sim/core-engine'
import type { Group, Scalar } from './cells.ts'

/** Combinations of adapters that are kept; the one that was current the longest time ago makes room. */
const maxCombinations = 1000
/** Characters of all combinations that are kept, but always the present one. */
const maxCharacters = 2 ** 20
/** Characters of a name that are shown. A client chooses it. */
const maxName = 256

/**
 * `vllm:lora_requests_info`: one series per combination of running and waiting adapters that has occurred, whose value
 * is the Unix time at which it last became current. The present combination is the series with the largest value, so
 * values strictly rise from change to change even within one tick of the clock.
 */
export class LoraInfo {
  readonly #group: Group<Scalar>
  readonly #maxLoras: string
  readonly #clock: Clock
  readonly #running = new Names()
  readonly #waiting = new Names()
  /** Combinations from the one least recently current to the present one. */
  readonly #order = new Map<string, readonly [string, string]>()
  #characters = 0
  /** The last value given out, microseconds: finer than a double of Unix seconds resolves (0.24 µs), but not by much. */
  #last = 0

  /** Starts with the series of empty lists. */
  constructor(group: Group<Scalar>, maxLoras: number, clock: Clock) {
    this.#group = group
    this.#maxLoras = String(maxLoras)
    this.#clock = clock
    this.#mark()
  }

  /** A request for `name` entered the queue. */
  queued(name: string): void {
    this.#waiting.add(name)
    this.#mark()
  }

  /** A request for `name` began to run; `waited` when `queued` was called for it. */
  started(name: string, waited: boolean): void {
    if (waited) this.#waiting.remove(name)
    this.#running.add(name)
    this.#mark()
  }

  /** A running request for `name` went back to the queue. */
  preempted(name: string): void {
    this.#running.remove(name)
    this.#waiting.add(name)
    this.#mark()
  }

  /** A request for `name` ended, while it waited or while it ran. */
  finished(name: string, waiting: boolean): void {
    if (waiting) this.#waiting.remove(name)
    else this.#running.remove(name)
    this.#mark()
  }

  #mark(): void {
    const running = this.#running.text()
    const waiting = this.#waiting.text()
    const key = `${running}\0${waiting}`
    if (!this.#order.delete(key)) this.#characters += key.length
    this.#order.set(key, [running, waiting])
    while (this.#order.size > maxCombinations || (this.#characters > maxCharacters && this.#order.size > 1))
      this.#forgetOldest()
    this.#last = Math.max(Math.floor(this.#clock.wall() * 1000), this.#last + 1)
    this.#group.at(this.#maxLoras, running, waiting).value = this.#last / 1e6
  }

  #forgetOldest(): void {
    const [key, [running, waiting]] = this.#order.entries().next().value!
    this.#order.delete(key)
    this.#characters -= key.length
    this.#group.delete(this.#maxLoras, running, waiting)
  }
}

/** A multiset of names that remembers its text. */
class Names {
  readonly #counts = new Map<string, number>()
  #text: string | undefined = ''

  add(whole: string): void {
    const name = whole.slice(0, maxName)
    const count = this.#counts.get(name) ?? 0
    this.#counts.set(name, count + 1)
    if (count === 0) this.#text = undefined
  }

  remove(whole: string): void {
    const name = whole.slice(0, maxName)
    const count = this.#counts.get(name)
    if (count === undefined) return
    if (count > 1) {
      this.#counts.set(name, count - 1)
    } else {
      this.#counts.delete(name)
      this.#text = undefined
    }
  }

  /** Sorted, so that the same set is always the same series. */
  text(): string {
    this.#text ??= [...this.#counts.keys()].sort().join(',')
    return this.#text
  }
}
