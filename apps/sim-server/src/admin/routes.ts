import { RealClock, RequestError } from '@vllm-sim/core-engine'
import { type ApiContext, postText, type Route, sendEmpty, sendJson } from '@vllm-sim/transport-http'
import { AdminUpdateError, type Config, configView, optionsView } from '../config/index.ts'
import type { UpdateConfig } from './update.ts'

export interface AdminOptions {
  readonly context: Pick<ApiContext, 'settings' | 'log'>
  /** The configuration in force. */
  readonly config: () => Config
  readonly update: UpdateConfig
}

/** Characters of an update: all options together have a few thousand, and what is longer keeps others waiting. */
const longestUpdate = 262_144

const clock = new RealClock()

/** An update takes a millisecond: of a thousand that arrive together, each turn of the event loop makes a few. */
const inTurn = (): Promise<void> => new Promise(resolve => clock.whenFree(resolve))

function checkLength(text: string): void {
  if (text.length <= longestUpdate) return
  throw new AdminUpdateError(`an update can have at most ${longestUpdate} characters, got ${text.length}`)
}

const deprecation =
  '/fake_metrics endpoint is deprecated and will be removed in release v0.12.0; please use POST /admin/config with ' +
  "a 'fake-metrics' field instead"

/** `GET` and `POST /admin/config`, `GET /admin/options`, and the deprecated `POST /fake_metrics` */
export function adminRoutes({ context, config, update }: AdminOptions): Route[] {
  let warned = false
  return [
    { method: 'GET', path: '/admin/config', handle: (_req, res) => sendJson(res, 200, configView(config())) },
    { method: 'GET', path: '/admin/options', handle: (_req, res) => sendJson(res, 200, optionsView(config())) },
    postText(context, '/admin/config', async (text, _req, res) => {
      try {
        checkLength(text)
        await inTurn()
        await update({ kind: 'config', text })
      } catch (error) {
        if (error instanceof AdminUpdateError) throw new RequestError(400, error.message)
        throw error
      }
      context.log.info({ update: text }, 'configuration updated')
      sendJson(res, 200, configView(config()))
    }),
    postText(context, '/fake_metrics', async (text, _req, res) => {
      if (!warned) context.log.info({}, deprecation)
      warned = true
      try {
        checkLength(text)
        await inTurn()
        await update({ kind: 'fake-metrics', text })
      } catch (error) {
        if (!(error instanceof AdminUpdateError)) throw error
        throw new RequestError(400, `Failed to update fake metrics: ${error.message}`)
      }
      sendEmpty(res, 204)
    }),
  ]
}
