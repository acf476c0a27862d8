import { sendJson } from '../http/reply.ts'
import type { Route } from '../routing/route.ts'

/** What the endpoint needs of an engine. */
export interface ResettableCache {
  /** @returns false when blocks are in use, and nothing was done */
  resetPrefixCache(): boolean
}

/** `POST /reset_prefix_cache`, which vLLM has in development mode. */
export function prefixCacheRoutes(engine: ResettableCache): Route[] {
  return [
    {
      method: 'POST',
      path: '/reset_prefix_cache',
      handle: (req, res) => {
        req.resume()
        sendJson(res, 200, JSON.stringify({ success: engine.resetPrefixCache() }))
      },
    },
  ]
}
