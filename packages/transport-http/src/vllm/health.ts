import { sendEmpty } from '../http/reply.ts'
import { getJson, type Route } from '../routing/route.ts'

const json = { 'content-type': 'application/json' }

export interface HealthOptions {
  /** False while the server starts up or drains. */
  readonly ready: () => boolean
  /** What `GET /version` answers. */
  readonly version: string
}

/** `/health`, `/health/ready`, `/ping` and `/version` */
export function healthRoutes({ ready, version }: HealthOptions): Route[] {
  const alive: Route['handle'] = (req, res) => {
    req.resume()
    sendEmpty(res, 200, json)
  }
  return [
    { method: 'GET', path: '/health', handle: alive },
    { method: 'GET', path: '/ping', handle: alive },
    { method: 'POST', path: '/ping', handle: alive },
    { method: 'GET', path: '/health/ready', handle: (_req, res) => sendEmpty(res, ready() ? 200 : 503, json) },
    getJson('/version', () => ({ version })),
  ]
}
