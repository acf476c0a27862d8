import {
  ConfigError,
  choice,
  completeValues,
  defineOptions,
  duration,
  group,
  helpText,
  int,
  option,
  path,
  publishedFields,
  readSources,
  validator,
} from '@vllm-sim/config'

const proxy = group('Proxy', {
  port: option(int, { default: 8000, min: 1, max: 65535, short: ['p'], help: 'TCP port' }),
  connector: option(choice('nixl', 'mooncake'), { default: 'nixl', oneOf: ['nixl', 'mooncake'], help: 'Protocol' }),
  'prefill-timeout': option(duration, { default: 30e9, env: 'PREFILL_TIMEOUT', help: 'Time limit of a prefill' }),
  config: option(path, { default: '', commandLineOnly: true, help: 'YAML file with the same options' }),
})
const table = defineOptions([proxy])
const errorOf = validator(table, ranges => [ranges('port')])

/** Text in, values out: nothing here reads the process. */
export async function configure(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
) {
  const given = await readSources(table, { argv, env, readFile, fileOption: 'config' })
  if (given.help !== undefined) return helpText(table, given.help, { head: ['Usage of proxy:'], foot: [] })
  const values = completeValues<typeof proxy.options>(table, given.values)
  const error = errorOf(values)
  if (error !== undefined) throw new ConfigError(error)
  return publishedFields(proxy.options, values)
}

// { port: 9000, connector: 'mooncake', prefillTimeout: 1500, config: 'proxy.yaml' }; durations are milliseconds
export const fields = await configure(
  ['-p', '9000', '--config', 'proxy.yaml'],
  { PREFILL_TIMEOUT: '1.5s' },
  () => 'connector: mooncake',
)
