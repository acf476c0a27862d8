import type { KvCacheEvent } from '@vllm-sim/core-engine'

/** Bytes of an event's numbers in a message: nine for a hash, five for a token id. */
export function weigh(event: KvCacheEvent): number {
  if (event.type === 'AllBlocksCleared') return 0
  return 9 * event.hashes.length + (event.type === 'BlockStored' ? 5 * event.tokenIds.length : 0)
}

/**
 * Cuts an event into several that say the same, each of at most `most` bytes or of one block: of stored blocks, each part
 * has the last block of the one before as its parent.
 */
export function splitEvent(event: KvCacheEvent, most: number): readonly KvCacheEvent[] {
  if (event.type === 'AllBlocksCleared' || weigh(event) <= most) return [event]
  const { hashes } = event
  const blocks = Math.max(1, Math.floor((most * hashes.length) / weigh(event)))
  const parts: KvCacheEvent[] = []
  for (let from = 0; from < hashes.length; from += blocks) {
    const to = from + blocks
    if (event.type === 'BlockRemoved') {
      parts.push({ ...event, hashes: hashes.slice(from, to) })
      continue
    }
    const { blockSize, extraKeys } = event
    parts.push({
      ...event,
      hashes: hashes.slice(from, to),
      parent: from === 0 ? event.parent : hashes[from - 1],
      tokenIds: Array.prototype.slice.call(event.tokenIds, from * blockSize, to * blockSize),
      extraKeys: extraKeys?.slice(from, to),
    })
  }
  return parts
}
