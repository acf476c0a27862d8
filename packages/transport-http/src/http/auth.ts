import { hash, timingSafeEqual } from 'node:crypto'

/** Paths that need a key begin with one of these. */
const guarded = ['/v1', '/v2', '/inference', '/cohere']

/** Checks `Authorization: Bearer …` against the server's keys, in a time that does not depend on the keys. */
export class KeyCheck {
  readonly #keys: readonly Buffer[]

  constructor(keys: readonly string[]) {
    this.#keys = keys.map(digest)
  }

  /** Whether a request to `path` with this header may pass. */
  allows(path: string, authorization: string | undefined): boolean {
    if (!guarded.some(prefix => path.startsWith(prefix))) return true
    const match = /^bearer +(.*)$/i.exec(authorization ?? '')
    const given = digest(match?.[1] ?? '')
    let found = false
    for (const key of this.#keys) found = timingSafeEqual(key, given) || found
    return found && match !== null
  }
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
