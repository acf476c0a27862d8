import { availableParallelism } from 'node:os'
import { getJson, queryOf, type Route } from '@vllm-sim/transport-http'
import { type Config, configView } from '../config/index.ts'
import { version, vllmVersion } from '../version.ts'

/** `GET /server_info` of vLLM's development mode. @param config the configuration in force */
export function serverInfoRoute(config: () => Config): Route {
  return getJson('/server_info', req => ({
    vllm_config: queryOf(req).get('config_format') === 'json' ? JSON.parse(configView(config())) : configView(config()),
    vllm_env: {
      VLLM_SERVER_DEV_MODE: config().devMode,
      VLLM_ALLOW_RUNTIME_LORA_UPDATING: config().runtimeLoraUpdating,
      VLLM_SKIP_MODEL_NAME_VALIDATION: config().skipModelNameValidation,
      VLLM_LOG_STATS_INTERVAL: config().logStatsIntervalSeconds,
    },
    system_env: {
      vllm_version: vllmVersion,
      simulator_version: version,
      node_version: process.version,
      os: process.platform,
      arch: process.arch,
      cpus: availableParallelism(),
    },
  }))
}
