import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Paths that need a key begin with one of these. */
const guarded: readonly string[] = ['/v1', '/v2', '/inference', '/cohere', '/vllm.grpc.']

/** Further ones where administration is protected as well: they change the server, tell its configuration, or cost work. */
const administration: readonly string[] = [
  '/admin',
  '/sleep',
  '/wake_up',
  '/reset_',
  '/server_info',
  '/fake_metrics',
  '/tokenize',
  '/detokenize',
]

/** Where Anthropic's clients call; their key comes in `x-api-key`. */
const anthropic = '/v1/messages'

/** Checks that requests show one of the server's keys, in a time that does not depend on the keys. */
export class KeyCheck {
  readonly #keys: readonly Buffer[]
  readonly #guarded: readonly string[]

  /** @param protectAdmin whether the paths of the administration need a key too */
  constructor(keys: readonly string[], protectAdmin: boolean) {
    this.#keys = keys.map(digest)
    this.#guarded = protectAdmin ? [...guarded, ...administration] : guarded
  }

  /** Whether a path, which begins with a slash, needs a key. */
  guards(path: string): boolean {
    return this.#guarded.some(prefix => path.startsWith(prefix))
  }

  /** Whether the request may pass. A preflight shows no key: browsers send none. */
  allows({ url, method, headers }: Pick<IncomingMessage, 'url' | 'method' | 'headers'>): boolean {
    if (method === 'OPTIONS' || !this.guards(url!)) return true
    const bearer = /^bearer +(.*)$/i.exec(headers.authorization ?? '')?.[1]
    if (bearer !== undefined && this.#knows(bearer)) return true
    const own = url!.startsWith(anthropic) ? headers['x-api-key'] : undefined
    return typeof own === 'string' && this.#knows(own)
  }

  #knows(given: string): boolean {
    const shown = digest(given)
    let found = false
    for (const key of this.#keys) found = timingSafeEqual(key, shown) || found
    return found
  }
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
