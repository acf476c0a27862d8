import { withoutQuery } from './table.ts'

/** The path of an absolute URL, which clients of proxies send. */
export function originForm(url: string): string {
  const parsed = URL.parse(url)
  return parsed ? parsed.pathname + parsed.search : '/'
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

  /** The path, with the query, to send the client of `url` to, or undefined. */
  find(url: string): string | undefined {
    const path = withoutQuery(url)
    const known = this.#known.get(path.toLowerCase().replace(/(?<=.)\/$/, ''))
    return known === undefined || known === path ? undefined : known + url.slice(path.length)
  }
}
