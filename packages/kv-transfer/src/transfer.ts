import type { Failure } from './side-channel/client.ts'

/** Where a transfer stands, as each side sees it. */
export type TransferStatus =
  /** Prefill: the blocks wait for whoever decodes. */
  | 'held'
  /** Prefill: they were taken. */
  | 'taken'
  /** Prefill: nobody took them in time. */
  | 'expired'
  /** Decode: they were taken, their transfer takes its time. */
  | 'transferring'
  /** Decode: the first token is there, no prompt token was computed here. */
  | 'transferred'
  /** Decode: they could not be taken, the prompt was computed here. */
  | 'recomputed'
  /** Decode: they could not be taken, the request failed. */
  | 'failed'
  /** Decode: its client left before the first token. */
  | 'aborted'

/** One hand-over of KV blocks, as one side of it knows it. Times are Unix times in milliseconds, null before they are known. */
export interface KvTransfer {
  /** The same on both sides: the prefilling instance's `remote_request_id`. */
  readonly id: string
  readonly role: 'prefill' | 'decode'
  /** The engine of this side. */
  readonly engine_id: string
  /** The other side's, null before it is known. */
  remote_engine_id: string | null
  /** The id that the client of this side sees. */
  readonly request_id: string
  /** Decode: the side channel of the other side. */
  readonly peer: string | null
  status: TransferStatus
  /** Why the blocks could not be taken. */
  reason: Failure | 'mismatch' | null
  blocks: number
  tokens: number
  /** When the request came in at this side. */
  readonly arrived_at: number
  /** When the prefill, or the transfer, began. */
  started_at: number | null
  /** Prefill: when the prompt was prefilled. Decode: when the transfer was over and the first token there. */
  done_at: number | null
  /** When the blocks changed hands. */
  taken_at: number | null
}

/** How many transfers are remembered. */
const longest = 1000

/** The newest transfers of an instance. */
export class TransferLog {
  /** A ring: when it is full, `#next` is the oldest. */
  readonly #all: KvTransfer[] = []
  #next = 0

  add(transfer: KvTransfer): void {
    this.#all[this.#next] = transfer
    this.#next = (this.#next + 1) % longest
  }

  /** The oldest first. */
  list(): readonly KvTransfer[] {
    if (this.#all.length < longest) return [...this.#all]
    return [...this.#all.slice(this.#next), ...this.#all.slice(0, this.#next)]
  }

  /** What this side, when it prefilled, remembers under an id. */
  held(id: string): KvTransfer | undefined {
    return this.#all.findLast(one => one.id === id && one.role === 'prefill')
  }
}
