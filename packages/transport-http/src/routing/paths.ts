import type { IncomingMessage } from 'node:http'

/** The path of an absolute URL, which clients of proxies send. */
export function originForm(url: string): string {
  const parsed = URL.parse(url)
  return parsed ? parsed.pathname + parsed.search : '/'
}

export function withoutQuery(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** `//v1/x/../models` is `/v1/models`; the query is left alone. */
export function normalizePath(url: string): string {
  const path = withoutQuery(url)
  const slashes = path.replaceAll(/\/{2,}/g, '/')
  const plain = slashes.includes('/.') ? (URL.parse(slashes, 'http://host')?.pathname ?? slashes) : slashes
  return plain + url.slice(path.length)
}

/**
 * Where a path leads that differs from a known one only by letter case or a slash at the end.
 * @param paths the known ones; those with parameters lead nowhere
 */
export class NearPaths {
  readonly #known: ReadonlyMap<string, string>

  constructor(paths: Iterable<string>) {
    this.#known = new Map([...paths].map(path => [path.toLowerCase(), path]))
  }

  /** The absolute URL to send the client to, or undefined. */
  find(req: IncomingMessage): string | undefined {
    const path = withoutQuery(req.url!)
    const known = this.#known.get(path.toLowerCase().replace(/(?<=.)\/$/, ''))
    if (known === undefined || known === path) return undefined
    const scheme = 'encrypted' in req.socket ? 'https' : 'http'
    return `${scheme}://${req.headers.host ?? 'localhost'}${known}${req.url!.slice(path.length)}`
  }
}
