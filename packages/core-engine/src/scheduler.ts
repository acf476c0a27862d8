import type { Admission } from './admission.ts'
import { LinkedList } from './linked-list.ts'
import type { LoraRegistry } from './lora.ts'
import type { Sequence } from './sequence.ts'

export interface SchedulerOptions {
  /** Sequences that run at the same time, at least 1. */
  readonly maxNumSeqs: number
  /** Sequences that may wait, at least 0. */
  readonly maxWaiting: number
  readonly loras: LoraRegistry
  /** Whether the KV cache has room for the sequence now. */
  readonly fits: (sequence: Sequence) => boolean
}

/**
 * Decides which sequence runs next: slots, adapters and KV blocks. Waiting sequences stand in one queue per adapter, so
 * that a choice costs as much as there are adapters, however long the queues are.
 */
export class Scheduler implements Admission {
  readonly #options: SchedulerOptions
  readonly #queues = new Map<string, LinkedList<Sequence>>()
  #order = 0
  #running = 0
  #waiting = 0
  /** A sequence that could run otherwise waits for KV blocks; nobody overtakes it. */
  #shortOfBlocks = false

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  accepts(count: number, lora: string | undefined): boolean {
    const { maxNumSeqs, maxWaiting } = this.#options
    const free = this.#mayStart(lora) ? maxNumSeqs - this.#running : 0
    return count <= free + maxWaiting - this.#waiting
  }

  /** A new sequence starts at once when a slot and its adapter allow it, also past others that wait for an adapter. */
  add(sequence: Sequence): boolean {
    if (this.#mayStart(sequence.request.lora) && this.#running < this.#options.maxNumSeqs) {
      if (this.#options.fits(sequence)) {
        this.#start(sequence)
        return true
      }
      this.#shortOfBlocks = true
    }
    this.enqueue(sequence)
    return false
  }

  enqueue(sequence: Sequence): void {
    sequence.status = 'waiting'
    sequence.order = this.#order++
    this.#waiting++
    const key = sequence.request.lora ?? ''
    let queue = this.#queues.get(key)
    if (!queue) this.#queues.set(key, (queue = new LinkedList<Sequence>()))
    queue.push(sequence)
  }

  next(): Sequence | undefined {
    this.#shortOfBlocks = false
    if (this.#waiting === 0 || this.#running >= this.#options.maxNumSeqs) return undefined
    const sequence = this.#choose()
    if (!sequence) return undefined
    if (!this.#options.fits(sequence)) {
      this.#shortOfBlocks = true
      return undefined
    }
    this.#dequeue(sequence)
    this.#start(sequence)
    return sequence
  }

  withdraw(sequence: Sequence): void {
    this.#dequeue(sequence)
    sequence.status = 'ended'
  }

  release(sequence: Sequence): void {
    sequence.status = 'ended'
    this.#running--
    if (sequence.adapter) this.#options.loras.release(sequence.adapter)
  }

  #mayStart(lora: string | undefined): boolean {
    if (this.#shortOfBlocks) return false
    const { loras } = this.#options
    return lora === undefined || loras.isReady(lora) || loras.canLoad()
  }

  /** First who needs no loading, the oldest of them; only then who needs a slot for his adapter. */
  #choose(): Sequence | undefined {
    const { loras } = this.#options
    let ready: Sequence | undefined
    let loadable: Sequence | undefined
    const canLoad = loras.canLoad()
    for (const [lora, { first }] of this.#queues) {
      if (!first) continue
      if (lora === '' || loras.isReady(lora)) {
        if (!ready || first.order < ready.order) ready = first
      } else if (canLoad && (!loadable || first.order < loadable.order)) loadable = first
    }
    return ready ?? loadable
  }

  #start(sequence: Sequence): void {
    sequence.status = 'running'
    this.#running++
    const { lora } = sequence.request
    sequence.adapter = lora === undefined ? undefined : this.#options.loras.acquire(lora)
  }

  #dequeue(sequence: Sequence): void {
    this.#waiting--
    const key = sequence.request.lora ?? ''
    const queue = this.#queues.get(key)!
    queue.remove(sequence)
    if (!queue.first) this.#queues.delete(key)
  }
}
