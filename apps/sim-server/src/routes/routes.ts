import type { Engine } from '@vllm-sim/core-engine'
import type { Metrics } from '@vllm-sim/metrics'
import type { Logger } from '@vllm-sim/service'
import {
  type ApiContext,
  loraRoutes,
  prefixCacheRoutes,
  queryRoutes,
  type Route,
  sleepRoutes,
} from '@vllm-sim/transport-http'
import { adminRoutes } from '../admin/routes.ts'
import type { UpdateConfig } from '../admin/update.ts'
import type { Config } from '../config/index.ts'
import { metricsRoute } from './metrics.ts'
import { serverInfoRoute } from './server-info.ts'

/**
 * The endpoints of one instance beside those that every API has.
 * @param config the configuration in force
 */
export function instanceRoutes(
  context: ApiContext,
  engine: Engine,
  metrics: Metrics,
  log: Logger,
  config: () => Config,
  update: UpdateConfig,
): Route[] {
  const { devMode, enableSleepMode, runtimeLoraUpdating, dataParallelSize } = config()
  return [
    metricsRoute(metrics, log),
    ...adminRoutes({ context, config, update }),
    ...sleepRoutes({ engine, log, allowed: enableSleepMode && devMode }),
    ...loraRoutes(context, { loras: engine.loras, strict: runtimeLoraUpdating }),
    ...queryRoutes(context.nextId, dataParallelSize),
    ...(devMode ? [...prefixCacheRoutes(engine), serverInfoRoute(config)] : []),
  ]
}
