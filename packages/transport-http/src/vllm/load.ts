import type { Handler } from '../generation/pipeline.ts'
import { getJson, type Route } from '../routing/route.ts'

/** Counts the requests that are inside of the endpoints it wraps. */
export class LoadTracker {
  #inside = 0

  get count(): number {
    return this.#inside
  }

  wrap(handle: Handler): Handler {
    return (req, res) => {
      this.#inside++
      res.once('close', () => {
        this.#inside--
      })
      handle(req, res)
    }
  }
}

/** `GET /load`; always 0 without a tracker, as in vLLM. */
export function loadRoutes(tracker: LoadTracker | undefined): Route[] {
  return [getJson('/load', () => ({ server_load: tracker?.count ?? 0 }))]
}
