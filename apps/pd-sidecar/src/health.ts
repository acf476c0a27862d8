import { readFileSync } from 'node:fs'
import { ConfigError } from '@vllm-sim/config'
import type { HealthProgram } from '@vllm-sim/service/health'
import { loadConfig } from './config/load.ts'

/** `pd-sidecar health`, also where the sidecar was started under the name of llm-d's. */
export function healthProgram(env: Readonly<Record<string, string | undefined>>): HealthProgram {
  return {
    name: 'pd-sidecar',
    files: ['pd-sidecar', 'vllm-pd-sidecar/dist/main.js'],
    read: async words => {
      const loaded = await loadConfig(words, env, path => readFileSync(path, 'utf8'))
      if (!('config' in loaded)) throw new ConfigError('these options start no sidecar')
      const { host, port, secureServing } = loaded.config
      return { target: { host: host || '::', port }, tls: secureServing }
    },
  }
}
