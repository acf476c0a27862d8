import { LRUCache } from 'lru-cache'
import { detach } from '../detach.ts'
import type { Cancel } from '../types.ts'
import type { TokenizerJson } from './files.ts'
import { encodePlain, type LibraryTokenizer } from './library.ts'
import { isSegmentable, type Segment, Segmenter } from './segments.ts'
import type { WorkerEncoder } from './worker-encoder.ts'

/** Settings of `HfEncoder`. */
export interface HfEncoderOptions {
  library: LibraryTokenizer
  tokenizerJson: TokenizerJson
  /** Most work that is done on this thread, in units of `encodingCost`. */
  workerThreshold: number
  /** Size of the cache of encoded texts, in characters; 0 turns it off. */
  cacheCharacters: number
  worker: WorkerEncoder
}

/**
 * Roughly how long a text takes to encode: 1 for an ASCII character (about 1 µs), 5 for a Han character, which is three bytes
 * and hardly ever found as a whole word in the library's cache.
 */
function encodingCost(text: string): number {
  return 2 * Buffer.byteLength(text) - text.length
}

/**
 * Makes ids of texts, without special tokens around them. Texts are cut at added tokens, each part is looked up in a cache,
 * and only what is new is encoded: on this thread when it is short, in a worker thread when it would block too long.
 */
export class HfEncoder {
  readonly #library: LibraryTokenizer
  readonly #segmenter: Segmenter | undefined
  readonly #cache: LRUCache<string, Uint32Array> | undefined
  readonly #threshold: number
  readonly #worker: WorkerEncoder

  constructor(options: HfEncoderOptions) {
    this.#library = options.library
    this.#threshold = options.workerThreshold
    if (options.cacheCharacters > 0) this.#cache = new LRUCache({ maxSize: options.cacheCharacters })
    const { tokenizerJson } = options
    this.#segmenter = isSegmentable(tokenizerJson) ? new Segmenter(tokenizerJson.added_tokens ?? []) : undefined
    this.#worker = options.worker
  }

  /** Ids of a well-formed text; a promise, which `cancel` ends, only when a worker thread has to encode a part of it. */
  encode(text: string, cancel?: Cancel): number[] | Promise<number[]> {
    const segments = this.#segments(text)
    const missing = this.#missing(segments)
    if (missing.cost <= this.#threshold) return this.encodeSync(segments)
    return this.#worker.encode(missing.texts, cancel?.signal).then(encoded => {
      for (const [index, ids] of encoded.entries()) this.#remember(missing.texts[index]!, ids)
      // The cache may be too small for them, so the results are at hand besides.
      const fresh = new Map(missing.texts.map((part, index) => [part, encoded[index]!]))
      return join(segments, part => fresh.get(part) ?? this.#cached(part))
    })
  }

  /** Ids of a well-formed text, encoded on this thread however long it takes. */
  encodeSync(text: string | readonly Segment[]): number[] {
    return join(typeof text === 'string' ? this.#segments(text) : text, part => this.#cached(part))
  }

  #segments(text: string): Segment[] {
    if (this.#segmenter) return this.#segmenter.split(text)
    return text === '' ? [] : [text]
  }

  #missing(segments: readonly Segment[]): { texts: string[]; cost: number } {
    const texts = new Set<string>()
    let cost = 0
    for (const segment of segments) {
      if (typeof segment === 'number' || texts.has(segment) || this.#cache?.get(segment)) continue
      texts.add(segment)
      cost += encodingCost(segment)
    }
    return { texts: [...texts], cost }
  }

  #cached(text: string): Uint32Array {
    const known = this.#cache?.get(text)
    if (known) return known
    const ids = Uint32Array.from(encodePlain(this.#library, text))
    this.#remember(text, ids)
    return ids
  }

  #remember(text: string, ids: Uint32Array): void {
    // Copies of their own: slices of a prompt, or of the worker's message, would keep the whole of it alive.
    const own = ids.byteLength === ids.buffer.byteLength ? ids : ids.slice()
    this.#cache?.set(detach(text), own, { size: text.length })
  }
}

/** Allocates once: arrays that grow leave garbage of twice their size, and its collection is a stall like any other. */
function join(segments: readonly Segment[], encode: (text: string) => Uint32Array): number[] {
  const parts = segments.map(segment => (typeof segment === 'number' ? segment : encode(segment)))
  let length = 0
  for (const part of parts) length += typeof part === 'number' ? 1 : part.length
  const ids = new Array<number>(length)
  let position = 0
  for (const part of parts) {
    if (typeof part === 'number') ids[position++] = part
    else for (let index = 0; index < part.length; index++) ids[position++] = part[index]!
  }
  return ids
}
