import { ConfigError } from './errors.ts'

/** Environment variables by name, as the process has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A variable that is no option: it has no flag and no YAML key. */
export interface Variable<T = unknown> {
  readonly name: string
  readonly help: string
  readonly default: T
  /** Reads a value that is not empty; throws with the reason. */
  parse(text: string): T
}

function string(name: string, help: string): Variable<string> {
  return { name, help, default: '', parse: text => text }
}

/** On for `1` and `true`. */
function flag(name: string, help: string, preset = false): Variable<boolean> {
  return { name, help, default: preset, parse: text => /^(1|true)$/i.test(text) }
}

function count(name: string, preset: number, help: string): Variable<number> {
  return {
    name,
    help,
    default: preset,
    parse(text) {
      if (!/^\d+$/.test(text)) throw new Error('expected a number')
      return Number(text)
    },
  }
}

/** Variables that become fields of `Config`, by field name. Those of single options stand in the option table. */
export const environmentTable = {
  podIp: string('POD_IP', 'Address in the topic of KV events; needed with --enable-kvcache'),
  podName: string('POD_NAME', 'Sent as x-inference-pod with generated responses'),
  podNamespace: string('POD_NAMESPACE', 'Sent as x-inference-namespace with generated responses'),
  devMode: {
    ...flag('VLLM_SERVER_DEV_MODE', 'Development endpoints, and the second key for /sleep; exactly 1'),
    parse: (text: string) => text === '1',
  },
  runtimeLoraUpdating: flag(
    'VLLM_ALLOW_RUNTIME_LORA_UPDATING',
    'vLLM’s checks and texts when adapters are loaded or unloaded',
  ),
  skipModelNameValidation: flag('VLLM_SKIP_MODEL_NAME_VALIDATION', 'Accept any model name in requests'),
  httpKeepAliveSeconds: count('VLLM_HTTP_TIMEOUT_KEEP_ALIVE', 5, 'Seconds that an idle connection stays open'),
  logStatsIntervalSeconds: count('VLLM_LOG_STATS_INTERVAL', 10, 'Seconds between lines with statistics'),
  hfHome: string('HF_HOME', 'Directory of the HuggingFace cache'),
  hfEndpoint: string('HF_ENDPOINT', 'Address of the HuggingFace hub'),
  hfHubOffline: flag('HF_HUB_OFFLINE', 'Ask no hub'),
} as const satisfies Readonly<Record<string, Variable>>

/** The fields that the environment gives. */
export type EnvironmentFields = {
  readonly [K in keyof typeof environmentTable]: (typeof environmentTable)[K] extends Variable<infer T> ? T : never
}

/** Reads the variables; an empty one counts as unset. Throws a ConfigError that names a variable with a bad value. */
export function readEnvironment(env: Environment): EnvironmentFields {
  const entries = Object.entries(environmentTable).map(([field, variable]) => {
    const text = env[variable.name]
    if (text === undefined || text === '') return [field, variable.default]
    try {
      return [field, variable.parse(text)]
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ConfigError(`invalid value "${text}" of environment variable ${variable.name}: ${reason}`)
    }
  })
  return Object.fromEntries(entries)
}
