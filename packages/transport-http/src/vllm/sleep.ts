import type { ServingLog } from '@vllm-sim/serving'
import { sendEmpty } from '../http/reply.ts'
import { getJson, queryOf, type Route } from '../routing/route.ts'

/** What these endpoints need of an engine. */
export interface SleepingEngine {
  sleep(level?: number): void
  /** @param cache whether the KV cache is used again */
  wake(cache?: boolean): void
  snapshot(): { readonly sleeping: boolean }
}

export interface SleepOptions {
  readonly engine: SleepingEngine
  readonly log: ServingLog
  /** Without it `POST /sleep` is answered and does nothing. */
  readonly allowed: boolean
}

/** `POST /sleep`, `POST /wake_up` and `GET /is_sleeping`, open to all as in the reference. */
export function sleepRoutes({ engine, log, allowed }: SleepOptions): Route[] {
  return [
    {
      method: 'POST',
      path: '/sleep',
      handle: (req, res) => {
        req.resume()
        if (allowed) {
          // The level changes only what `vllm:engine_sleep_state` tells.
          engine.sleep(queryOf(req).get('level') === '2' ? 2 : 1)
          log.info({}, 'asleep: the KV cache is dropped')
        }
        sendEmpty(res, 200)
      },
    },
    {
      method: 'POST',
      path: '/wake_up',
      handle: (req, res) => {
        req.resume()
        const [tag] = queryOf(req).getAll('tags')
        const cache = tag === undefined || tag === 'kv_cache'
        const slept = engine.snapshot().sleeping
        engine.wake(cache)
        if (slept) log.info({ cache }, 'awake')
        sendEmpty(res, 200)
      },
    },
    getJson('/is_sleeping', () => ({ is_sleeping: engine.snapshot().sleeping })),
  ]
}
