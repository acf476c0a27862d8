import type { IncomingMessage, ServerResponse } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { normalizePath, originForm } from '../routing/paths.ts'
import type { RouteTable } from '../routing/table.ts'
import { KeyCheck } from './auth.ts'
import { applyCors, type CorsOptions } from './cors.ts'
import { bodySize, sendError, sendJson } from './reply.ts'

/** Looks at a request before its endpoint does. @returns true when it answered the request, which ends there */
export type Check = (req: IncomingMessage, res: ServerResponse) => boolean

export interface CheckOptions {
  readonly cors?: CorsOptions
  /** Keys of which a client must show one; none: open to all. */
  readonly apiKeys?: readonly string[]
  /** The keys are needed on the paths of the administration as well. */
  readonly protectAdmin?: boolean
  /** Prefix that a proxy before the server leaves on the path, without a slash at the end. */
  readonly rootPath?: string
}

/** All that a request passes before it reaches an endpoint, in this order, whichever way it comes in. */
export function checks(
  context: Pick<ApiContext, 'recorder' | 'clock' | 'draining'>,
  table: RouteTable,
  { cors, apiKeys, protectAdmin, rootPath }: CheckOptions,
): readonly Check[] {
  return [
    refuseOldHttp,
    plainPath,
    ...(rootPath ? [dropPrefix(rootPath)] : []),
    ...(context.recorder ? [record(context.recorder, context, table)] : []),
    ...(cors ? [allowOrigins(cors)] : []),
    ...(apiKeys?.length ? [demandKey(new KeyCheck(apiKeys, protectAdmin ?? false))] : []),
    refuseWhileDraining(context, table),
  ]
}

/** Runs the checks. @returns true when one of them answered the request */
export function answeredBy(list: readonly Check[], req: IncomingMessage, res: ServerResponse): boolean {
  for (const check of list) if (check(req, res)) return true
  return false
}

/** A request line without a version is HTTP/0.9, whose clients know no status and no headers. */
const refuseOldHttp: Check = (req, res) => {
  if (req.httpVersionMajor > 0) return false
  req.resume()
  res.shouldKeepAlive = false
  sendError(res, new RequestError(400, 'Malformed HTTP request: the request line has no version'))
  return true
}

/** Brings the path into the form in which endpoints are known. */
const plainPath: Check = req => {
  if (!req.url!.startsWith('/')) req.url = originForm(req.url!)
  if (req.url!.includes('//') || req.url!.includes('/.')) req.url = normalizePath(req.url!)
  return false
}

function dropPrefix(prefix: string): Check {
  const start = `${prefix}/`
  return req => {
    if (req.url!.startsWith(start)) req.url = req.url!.slice(prefix.length)
    return false
  }
}

/** What requests that no endpoint matched are counted under. */
const unmatched = 'none'

/** Reports every exchange when it is over, also when the client has gone. */
function record(
  recorder: NonNullable<ApiContext['recorder']>,
  { clock }: Pick<ApiContext, 'clock'>,
  table: RouteTable,
): Check {
  return (req, res) => {
    const start = clock.now()
    const handler = table.patternOf(req.url!)
    // It closes once.
    res.on('close', () => {
      // One that was added to the Express application is known only now.
      const path = handler ?? (req as { route?: { path?: string } }).route?.path ?? unmatched
      const seconds = (clock.now() - start) / 1000
      const received = Number(req.headers['content-length']) || 0
      recorder.record(path, req.method ?? '', res.statusCode, seconds, received, bodySize(res))
    })
    return false
  }
}

function allowOrigins(options: CorsOptions): Check {
  return (req, res) => req.headers.origin !== undefined && applyCors(req, res, options)
}

function demandKey(keys: KeyCheck): Check {
  return (req, res) => {
    if (keys.allows(req)) return false
    req.resume()
    sendJson(res, 401, '{"error":"Unauthorized"}')
    return true
  }
}

/** Endpoints that generate take nothing new while the server shuts down. */
function refuseWhileDraining(context: Pick<ApiContext, 'draining'>, table: RouteTable): Check {
  return (req, res) => {
    if (!context.draining()) return false
    const errors = req.method === 'POST' ? table.errorsOf(req.url!) : undefined
    if (!errors) return false
    req.resume()
    sendError(res, new RequestError(503, 'server is shutting down'), undefined, errors())
    return true
  }
}
