import type { ServerResponse } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import { type MatchFunction, match } from 'path-to-regexp'
import { type ErrorForm, toRequestError } from '../http/errors.ts'
import { sendError, sendText } from '../http/reply.ts'
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
      try {
        handler(req, res)
      } catch (error) {
        sendError(res, toRequestError(error))
      }
      return
    }
    req.resume()
    if (req.method === 'OPTIONS') res.writeHead(200, { allow: this.#allow, 'content-length': '0' }).end()
    else sendText(res, 405, 'Method Not Allowed', { allow: this.#allow })
  }
}

interface Pattern {
  readonly path: string
  /** What every path that matches begins with. */
  readonly prefix: string
  readonly match: MatchFunction<Record<string, string | string[]>>
  readonly methods: PathMethods
}

/** All routes by path. */
export class RouteTable {
  /** Every path, also patterns, in the order in which they were given. */
  readonly all: ReadonlyMap<string, PathMethods>
  /** Paths without parameters. */
  readonly #exact: ReadonlyMap<string, PathMethods>
  readonly #patterns: readonly Pattern[]
  readonly #generating: ReadonlyMap<string, () => ErrorForm | undefined>

  constructor(routes: readonly Route[]) {
    const all = new Map<string, PathMethods>()
    for (const [path, list] of Map.groupBy(routes, route => route.path)) all.set(path, new PathMethods(list))
    this.all = all
    this.#exact = new Map([...all].filter(([path]) => parameterAt(path) < 0))
    this.#patterns = [...all].flatMap(([path, methods]) => {
      const at = parameterAt(path)
      if (at < 0) return []
      // Express takes the same library with the same settings.
      return [{ path, prefix: path.slice(0, at), methods, match: match(path, { sensitive: true, trailing: false }) }]
    })
    this.#generating = new Map(
      routes.flatMap(({ path, generating }) => (generating ? [[path, generating] as const] : [])),
    )
  }

  /** Serves a request whose path is one of the table's. @returns false when it is none */
  serve(req: RoutedRequest, res: ServerResponse): boolean {
    const path = withoutQuery(req.url!)
    const methods = this.#exact.get(path)
    if (methods) methods.handle(req, res)
    return methods !== undefined || this.#serveMatch(path, req, res)
  }

  /** The path of a URL as it was given to the table, with the names of its parameters. */
  patternOf(url: string): string | undefined {
    const path = withoutQuery(url)
    if (this.#exact.has(path)) return path
    return this.#patterns.find(pattern => matches(pattern, path))?.path
  }

  /** How errors look on an endpoint that generates; undefined for others. */
  errorsOf(url: string): (() => ErrorForm | undefined) | undefined {
    return this.#generating.get(withoutQuery(url))
  }

  #serveMatch(path: string, req: RoutedRequest, res: ServerResponse): boolean {
    for (const pattern of this.#patterns) {
      const found = matches(pattern, path)
      if (!found) continue
      if (found instanceof RequestError) {
        req.resume()
        sendError(res, found)
        return true
      }
      ;(req as { params?: unknown }).params = found.params
      pattern.methods.handle(req, res)
      return true
    }
    return false
  }
}

/** @returns false for none, a RequestError when a parameter cannot be decoded */
function matches({ prefix, match }: Pattern, path: string): ReturnType<Pattern['match']> | RequestError {
  if (!path.startsWith(prefix)) return false
  try {
    return match(path)
  } catch {
    return new RequestError(400, `Failed to decode the path '${path}'`)
  }
}

export function withoutQuery(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** Where the first parameter of a path begins, -1 without one. */
function parameterAt(path: string): number {
  return path.search(/[:*{]/)
}
