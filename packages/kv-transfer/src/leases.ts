import type { HeldBlocks } from '@vllm-sim/core-engine'
import { Deadline, type Timeline } from '@vllm-sim/latency'
import type { KvTransfer } from './transfer.ts'

/** Blocks that wait for whoever decodes. */
export interface Lease {
  readonly transfer: KvTransfer
  readonly blocks: HeldBlocks
  /** Clock time, milliseconds. */
  readonly expires: number
}

/** Leases at a time. Prompts without a whole block hold no memory of the cache, so that its size limits nothing. */
const maxLeases = 65_536

/** The blocks that an instance holds for others, each until it is taken or its lease ends. */
export class Leases extends Deadline {
  readonly #timeline: Timeline
  readonly #duration: number
  readonly #expired: (transfer: KvTransfer) => void
  /** In the order in which they end, since all last the same time. */
  readonly #leases = new Map<string, Lease>()

  /**
   * @param timeline of the simulation
   * @param duration of a lease, milliseconds
   * @param expired hears of each that ended before its blocks were taken
   */
  constructor(timeline: Timeline, duration: number, expired: (transfer: KvTransfer) => void) {
    super()
    this.#timeline = timeline
    this.#duration = duration
    this.#expired = expired
  }

  has(id: string): boolean {
    return this.#leases.has(id)
  }

  add(transfer: KvTransfer, blocks: HeldBlocks, now: number): void {
    if (this.#leases.size >= maxLeases) this.#end(this.#oldest()!)
    this.#leases.set(transfer.id, { transfer, blocks, expires: now + this.#duration })
    if (this.#leases.size === 1) this.#timeline.schedule(this, now + this.#duration)
  }

  /** The blocks are in use no longer. @returns undefined when none are held under this id */
  take(id: string): KvTransfer | undefined {
    const lease = this.#leases.get(id)
    if (!lease) return undefined
    this.#leases.delete(id)
    if (this.#leases.size === 0) this.#timeline.cancel(this)
    lease.blocks.release()
    return lease.transfer
  }

  override onDue(now: number): void {
    for (let lease = this.#oldest(); lease; lease = this.#oldest()) {
      if (lease.expires > now) {
        this.#timeline.schedule(this, lease.expires)
        return
      }
      this.#end(lease)
      // A burst of prefills ends as one: others have their turns between.
      if (this.#leases.size > 0 && this.#timeline.isOver) {
        this.#timeline.defer(this)
        return
      }
    }
  }

  #oldest(): Lease | undefined {
    const [lease] = this.#leases.values()
    return lease
  }

  #end({ transfer, blocks }: Lease): void {
    this.#leases.delete(transfer.id)
    this.#expired(transfer)
    blocks.release()
  }
}
