import { isIP } from 'node:net'
import type { Clock } from '@vllm-sim/latency'

/** Looks a name up. Rejects when it has no address. */
export type Lookup = (name: string) => Promise<readonly string[]>

/** What is told of look-ups. */
export interface LookupEvents {
  /** An address that was out of date is looked up anew. */
  again(): void
  changed(): void
  failed(): void
}

interface Known {
  readonly address: string
  readonly until: number
}

/**
 * Addresses of peers, for engines that take no names. IPv4 is preferred. One that is out of date is given out once more while it is
 * looked up anew; one that cannot be found is given out as its name.
 */
export class PeerNames {
  readonly #clock: Clock
  readonly #lookup: Lookup
  readonly #ttl: number
  readonly #events: LookupEvents | undefined
  readonly #known = new Map<string, Known>()
  readonly #pending = new Map<string, Promise<string>>()

  /** @param ttl milliseconds for which an address counts */
  constructor(clock: Clock, lookup: Lookup, ttl: number, events?: LookupEvents) {
    this.#clock = clock
    this.#lookup = lookup
    this.#ttl = ttl
    this.#events = events
  }

  async resolve(name: string): Promise<string> {
    if (isIP(name) !== 0) return name
    const known = this.#known.get(name)
    if (known === undefined) return this.#ask(name).catch(() => name)
    if (known.until <= this.#clock.now()) {
      if (!this.#pending.has(name)) this.#events?.again()
      void this.#ask(name).catch(() => {})
    }
    return known.address
  }

  /** Looks up a name for the first time. @throws Error when that fails */
  async seed(name: string): Promise<void> {
    if (isIP(name) === 0) await this.#ask(name)
  }

  #ask(name: string): Promise<string> {
    const pending = this.#pending.get(name)
    if (pending !== undefined) return pending
    const asked = this.#lookup(name)
      .then(addresses => {
        const address = addresses.find(one => isIP(one) === 4) ?? addresses[0]
        if (address === undefined) throw new Error(`${name} has no address`)
        const before = this.#known.get(name)
        if (before !== undefined && before.address !== address) this.#events?.changed()
        this.#known.set(name, { address, until: this.#clock.now() + this.#ttl })
        return address
      })
      .catch(error => {
        this.#events?.failed()
        throw error
      })
      .finally(() => this.#pending.delete(name))
    this.#pending.set(name, asked)
    return asked
  }
}
