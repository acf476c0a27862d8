import { freshSeed } from '@vllm-sim/latency'
import { parseCommandLine } from './command-line.ts'
import { buildConfig, type Config } from './config.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { ConfigError, quote, reasonOf } from './errors.ts'
import { validationError } from './rules.ts'
import { optionTable } from './table.ts'
import { completeValues } from './values.ts'
import { readYamlFile } from './yaml-file.ts'

/** What came of the command line, the environment and the configuration file. */
export type LoadResult =
  | {
      readonly config: Config
      /** One line each for the log. */
      readonly warnings: readonly string[]
      /** Names of options that were given, are accepted, and have no effect. */
      readonly noEffect: readonly string[]
      readonly help?: undefined
      readonly version?: undefined
    }
  /** The text to print on stderr before ending with status 0. */
  | { readonly help: string; readonly version?: undefined; readonly config?: undefined }
  /** The version is to be printed. */
  | { readonly version: true; readonly help?: undefined; readonly config?: undefined }

const MODEL_HINT = 'Name a model: --model NAME, serve NAME, SIM_MODEL=NAME, or the key "model" of a configuration file.'

/**
 * Reads the configuration. Flags win over environment variables, these over the file, that over defaults.
 * @param argv the words after the program's name
 * @param readFile reads a text file; throws like Node's file functions do
 * @throws ConfigError with the text to show; the exit status for it is 2
 */
export async function loadConfig(
  argv: readonly string[],
  env: Environment,
  readFile: (path: string) => string,
): Promise<LoadResult> {
  const commandLine = parseCommandLine(argv)
  if (commandLine.help !== undefined) {
    const { helpText } = await import('./help.ts')
    return { help: helpText(commandLine.help) }
  }
  if (commandLine.version) return { version: true }

  const path = commandLine.values.get('config')
  const file = typeof path === 'string' ? await readYamlFile(path, readFile) : undefined
  const warnings = [...commandLine.warnings, ...(file?.warnings ?? [])]
  const given = new Map([...(file?.values ?? []), ...fromEnvironment(env, warnings), ...commandLine.values])

  const values = completeValues(given)
  const error = validationError(values)
  if (error !== undefined) throw new ConfigError(error, values.model === '' ? MODEL_HINT : undefined)
  const config = buildConfig({
    values,
    environment: readEnvironment(env),
    given: new Set(given.keys()),
    configFileRead: file !== undefined,
    freshSeed: BigInt(freshSeed()),
    hostedRank: 0,
  })
  if (values.mmEncoderOnly && values.mode === 'echo') warnings.push('MM encoder-only mode: ignoring echo mode')
  const noEffect = [...given.keys()].filter(name => optionTable.get(name)!.effect === 'none')
  return { config, warnings, noEffect }
}

/** Values of options that the environment gives; an empty variable counts as unset. */
function fromEnvironment(env: Environment, warnings: string[]): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const [name, row] of optionTable) {
    const text = row.env === undefined ? undefined : env[row.env]
    if (text === undefined || text === '') continue
    try {
      values.set(
        name,
        row.type.parse(text, remark => warnings.push(`${row.env}: ${remark}`)),
      )
    } catch (error) {
      throw new ConfigError(`invalid value ${quote(text)} of environment variable ${row.env}: ${reasonOf(error)}`)
    }
  }
  return values
}
