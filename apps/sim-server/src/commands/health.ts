import { readFileSync } from 'node:fs'
import { ConfigError, type Environment } from '@vllm-sim/config'
import type { HealthProgram } from '@vllm-sim/service/health'
import { loadConfig } from '../config/index.ts'
import { listenTarget } from '../listener/target.ts'
import { usesTls } from '../listener/tls-settings.ts'

/** `vllm-sim health`, also where the server was started under the names of the programs whose place it takes. */
export function healthProgram(env: Environment): HealthProgram {
  return {
    name: 'vllm-sim',
    files: ['vllm-sim', 'vllm', 'llm-d-inference-sim', 'vllm-sim/dist/main.js'],
    read: async words => {
      const { config } = await loadConfig(words, env, path => readFileSync(path, 'utf8'))
      if (config === undefined) throw new ConfigError('these options start no server')
      return { target: listenTarget(config), tls: usesTls(config) }
    },
  }
}
