import { hash } from 'node:crypto'

/** The namespace of URLs (RFC 9562, appendix A). */
const urlNamespace = '6ba7b8119dad11d180b400c04fd430c8'

/**
 * Request ids that depend on seed, port and a counter only: UUIDs of version 5, so a server that is started again with
 * the same seed gives the same ids.
 * @returns a function that gives the next id
 */
export function idSource(seed: number | bigint, port: number): () => string {
  let counter = 0
  const start = `${seed}-${port}-`
  // One buffer for all ids: an id is made for every request.
  const named = Buffer.alloc(urlNamespace.length / 2 + start.length + String(Number.MAX_SAFE_INTEGER).length)
  const nameAt = named.write(urlNamespace, 'hex')
  return () => {
    const end = nameAt + named.write(start + counter++, nameAt, 'latin1')
    return uuid5(hash('sha1', named.subarray(0, end), 'hex'))
  }
}

/** The first 16 bytes of a digest in hex, with version and variant in their places. */
function uuid5(hex: string): string {
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
