import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendText } from './reply.ts'

/** Which other origins may call the server from a browser. */
export interface CorsOptions {
  /** `*` is any. */
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  readonly credentials: boolean
}

const allMethods = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'
/** Request headers that are always allowed (Fetch standard, safelisted). */
const simpleHeaders = ['Accept', 'Accept-Language', 'Content-Language', 'Content-Type']
/** How long a browser may keep a preflight's answer, seconds. */
const maxAge = '600'

/**
 * Adds the headers for a request from another origin, and answers its preflight.
 * @returns true when the request was a preflight and is answered
 */
export function applyCors(req: IncomingMessage, res: ServerResponse, options: CorsOptions): boolean {
  const { origin } = req.headers
  if (origin === undefined) return false
  const any = options.origins.includes('*')
  const allowed = any || options.origins.includes(origin)
  if (allowed) {
    // With credentials the answer has to name the origin.
    const named = !any || options.credentials
    res.setHeader('access-control-allow-origin', named ? origin : '*')
    if (named) res.setHeader('vary', 'Origin')
    if (options.credentials) res.setHeader('access-control-allow-credentials', 'true')
  }
  const method = req.headers['access-control-request-method']
  if (req.method !== 'OPTIONS' || method === undefined) return false
  const asked = req.headers['access-control-request-headers']
  const refused = [
    ...(allowed ? [] : ['origin']),
    ...(options.methods.includes('*') || options.methods.includes(method) ? [] : ['method']),
    ...(asked === undefined || headersAllowed(asked, options.headers) ? [] : ['headers']),
  ]
  res.setHeader('access-control-allow-methods', options.methods.includes('*') ? allMethods : options.methods.join(', '))
  res.setHeader('access-control-max-age', maxAge)
  if (asked !== undefined && options.headers.includes('*')) res.setHeader('access-control-allow-headers', asked)
  else res.setHeader('access-control-allow-headers', [...new Set([...simpleHeaders, ...options.headers])].join(', '))
  if (refused.length > 0) sendText(res, 400, `Disallowed CORS ${refused.join(', ')}`)
  else sendText(res, 200, 'OK')
  return true
}

function headersAllowed(asked: string, allowed: readonly string[]): boolean {
  if (allowed.includes('*')) return true
  const known = new Set([...simpleHeaders, ...allowed].map(header => header.toLowerCase()))
  return asked.split(',').every(header => known.has(header.trim().toLowerCase()))
}
