import type { TraceRequest } from './trace.ts'

/** Keys of one request's blocks are apart from those of others by this factor: its most blocks. */
const mostBlocks = 2 ** 24

/** Numbers for the blocks of the requests of a trace. Equal numbers mean equal tokens up to the end of the block. */
export class BlockKeys {
  readonly #blockSize: number
  readonly #hashBlockSize: number
  readonly #ids = new Map<string, number>()

  /** Sizes in tokens: of a block of the engine, and of one that the trace names. */
  constructor(blockSize: number, hashBlockSize: number) {
    this.#blockSize = blockSize
    this.#hashBlockSize = hashBlockSize
  }

  /** @param number of the request, from 0 on */
  of(request: TraceRequest, number: number, block: number): number {
    const { hashIds, inputLength, lora } = request
    const end = (block + 1) * this.#blockSize
    const named = Math.floor((end - 1) / this.#hashBlockSize)
    // Blocks that nobody names, those of the output too, are the request's own.
    if (!hashIds || end > inputLength || named >= hashIds.length) return -(number * mostBlocks + block + 1)
    const offset = (end - 1) % this.#hashBlockSize
    const name = `${hashIds[named]!} ${offset} ${lora ?? ''}`
    let id = this.#ids.get(name)
    if (id === undefined) this.#ids.set(name, (id = this.#ids.size))
    return id
  }
}
