import { formatTarget, parseTarget, type Target } from '@vllm-sim/pd-protocol'

/** Which targets requests may name. */
export interface AllowList {
  allows(target: Target): boolean
  /** The list is known. */
  readonly ready: boolean
  /** Ends what keeps it up to date. */
  close(): void
}

/** Without protection. */
export const everything: AllowList = { allows: () => true, ready: true, close() {} }

/** Targets that are given at the start: `host:port`, or a host with all its ports. */
export class StaticAllowList implements AllowList {
  readonly ready = true
  readonly #targets = new Set<string>()
  readonly #hosts = new Set<string>()

  /** @throws Error that names an entry that is none */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const exact = parseTarget(entry, undefined)
      const host = parseTarget(entry, 1)
      if (exact !== undefined) this.#targets.add(formatTarget(exact))
      else if (host !== undefined) this.#hosts.add(host.host)
      else throw new Error(`--ssrf-allow: ${JSON.stringify(entry)} is neither host:port nor a host`)
    }
  }

  allows(target: Target): boolean {
    return this.#targets.has(formatTarget(target)) || this.#hosts.has(target.host)
  }

  close(): void {}
}

/** What any of them allows. */
export function anyOf(lists: readonly AllowList[]): AllowList {
  return {
    allows: target => lists.some(list => list.allows(target)),
    get ready() {
      return lists.every(list => list.ready)
    },
    close() {
      for (const list of lists) list.close()
    },
  }
}
