import { prefixLength, writePrefix } from './frame.ts'
import { varintSize, writeVarint } from './varint.ts'

/** Tags (number and wire type) of the members that are written here, all below 16 and so of one byte. */
const tag = {
  responseChunk: 0x0a, // GenerateResponse.chunk = 1, length-delimited
  tokenIds: 0x0a, // GenerateStreamChunk.token_ids = 1, packed
  promptTokens: 0x10, // 2
  completionTokens: 0x18, // 3
  cachedTokens: 0x20, // 4
  index: 0x38, // 7
}

/**
 * Writes the messages of streamed tokens, one per token: by hand, because this is done for every token and the generic way
 * costs ten times as much. The bytes are those of the generic way.
 */
export class TokenChunks {
  /** What follows the token id in each message of the choice. */
  readonly #tail: Uint8Array

  /** @param promptTokens @param cachedTokens counts of the prompt @param index of the choice */
  constructor(promptTokens: number, cachedTokens: number, index: number) {
    const tail = new Uint8Array(20)
    let at = 0
    const member = (key: number, value: number): void => {
      // Zeros are not written: they are what a reader assumes.
      if (value === 0) return
      tail[at++] = key
      at = writeVarint(tail, at, value)
    }
    member(tag.promptTokens, promptTokens)
    member(tag.completionTokens, 1)
    member(tag.cachedTokens, cachedTokens)
    member(tag.index, index)
    this.#tail = tail.subarray(0, at)
  }

  /** Bytes of the frame of one token. */
  size(id: number): number {
    return this.#size(varintSize(id))
  }

  /** Writes the frame of one token. @returns the position behind it */
  write(target: Uint8Array, start: number, id: number): number {
    const idLength = varintSize(id)
    const chunk = 2 + idLength + this.#tail.length
    let at = writePrefix(target, start, 2 + chunk)
    target[at++] = tag.responseChunk
    target[at++] = chunk
    target[at++] = tag.tokenIds
    target[at++] = idLength
    at = writeVarint(target, at, id)
    for (let i = 0; i < this.#tail.length; i++) target[at++] = this.#tail[i]!
    return at
  }

  #size(idLength: number): number {
    // Both lengths in front of the chunk and of the ids are below 128: one byte each.
    return prefixLength + 2 + 2 + idLength + this.#tail.length
  }
}
