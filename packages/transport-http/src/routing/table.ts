import type { ServerResponse } from 'node:http'
import { sendText } from '../http/reply.ts'
import type { Route, RoutedRequest } from './route.ts'

/** What one path answers to each method. */
export class PathMethods {
  readonly #handlers = new Map<string, Route['handle']>()
  readonly #allow: string

  constructor(routes: readonly Route[]) {
    for (const { method, handle } of routes) this.#handlers.set(method, handle)
    this.#allow = [...this.#handlers.keys(), 'OPTIONS'].join(', ')
  }

  /** Runs the method's handler; answers `OPTIONS`, and with 405 a method that the path does not have, `HEAD` included. */
  readonly handle = (req: RoutedRequest, res: ServerResponse): void => {
    const handler = this.#handlers.get(req.method ?? '')
    if (handler) {
      handler(req, res)
      return
    }
    req.resume()
    if (req.method === 'OPTIONS') res.writeHead(200, { allow: this.#allow, 'content-length': '0' }).end()
    else sendText(res, 405, 'Method Not Allowed', { allow: this.#allow })
  }
}

/** All routes by path. */
export class RouteTable {
  /** Paths without parameters. */
  readonly exact: ReadonlyMap<string, PathMethods>
  /** Every path, also patterns, in the order in which they were given. */
  readonly all: ReadonlyMap<string, PathMethods>
  readonly #prefixes: readonly string[]

  constructor(routes: readonly Route[]) {
    const all = new Map<string, PathMethods>()
    for (const [path, list] of Map.groupBy(routes, route => route.path)) all.set(path, new PathMethods(list))
    this.all = all
    this.exact = new Map([...all].filter(([path]) => parameterAt(path) < 0))
    this.#prefixes = [...all.keys()].flatMap(path => {
      const at = parameterAt(path)
      return at < 0 ? [] : [path.slice(0, at)]
    })
  }

  /** Whether a path that is not in `exact` may match a pattern. */
  mayMatch(path: string): boolean {
    return this.#prefixes.some(prefix => path.startsWith(prefix))
  }
}

/** Where the first parameter of a path begins, -1 without one. */
function parameterAt(path: string): number {
  return path.search(/[:*{]/)
}
