import type { Cells } from './cells.ts'

/** Counts transfers of KV blocks between instances. Connectors declare the same shape and are handed this. */
export interface KvTransferRecorder {
  /** @param seconds of the transfer itself @param postSeconds of asking for it */
  transferred(tokens: number, blocks: number, seconds: number, postSeconds: number): void
  /** @param ends the request ends with it; otherwise its prompt is computed */
  failed(ends: boolean): void
  /** Nobody took blocks in time. */
  expired(): void
  /** Somebody asked for blocks that were given up. */
  askedAfterExpiry(): void
}

/** What is transferred is no model's. Sizes are those of Llama 3.1 8B in bfloat16: 32 layers, 8 KV heads of 128 values. */
const layers = 32
const bytesPerToken = 2 * layers * 8 * 128 * 2
/** Keys and values of a layer are a piece of memory each. */
const descriptorsPerBlock = 2 * layers

/** Feeds the `nixl_*` families. */
export class KvTransferMetrics implements KvTransferRecorder {
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  transferred(tokens: number, blocks: number, seconds: number, postSeconds: number): void {
    const { nixlTransferTime, nixlPostTime, nixlBytes, nixlDescriptors } = this.#cells
    nixlTransferTime.observe(seconds)
    nixlPostTime.observe(postSeconds)
    nixlBytes.observe(tokens * bytesPerToken)
    nixlDescriptors.observe(blocks * descriptorsPerBlock)
  }

  failed(ends: boolean): void {
    this.#cells.nixlFailedTransfers.value++
    // It never reaches the engine, which would count it.
    if (ends) this.#cells.success.at('error').value++
  }

  expired(): void {
    this.#cells.nixlExpired.value++
  }

  askedAfterExpiry(): void {
    this.#cells.nixlAskedAfterExpiry.value++
  }
}
