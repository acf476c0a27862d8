import { hash } from 'node:crypto'

/** The namespace of URLs (RFC 9562, appendix A), as bytes. */
const urlNamespace = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex').toString('latin1')

/**
 * Request ids that depend on seed, port and a counter only: UUIDs of version 5, so a server that is started again with
 * the same seed gives the same ids.
 * @returns a function that gives the next id
 */
export function idSource(seed: number | bigint, port: number): () => string {
  let counter = 0
  const start = `${urlNamespace}${seed}-${port}-`
  return () => {
    const digest = hash('sha1', Buffer.from(start + counter++, 'latin1'), 'hex')
    const version = `5${digest.slice(13, 16)}`
    const variant = `${((Number.parseInt(digest[16]!, 16) & 0x3) | 0x8).toString(16)}${digest.slice(17, 20)}`
    return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-${version}-${variant}-${digest.slice(20, 32)}`
  }
}
