import { type CommandLine, ConfigError, type Environment, readSources } from '@vllm-sim/config'
import { freshSeed } from '@vllm-sim/latency'
import { options } from '../options/table.ts'
import { buildConfig, type Config } from './config.ts'
import { readEnvironment } from './environment.ts'
import { validationError } from './rules.ts'
import { readStepProfile, stepsError } from './steps.ts'
import { completeValues } from './values.ts'

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
  const given = await readSources(options, { argv, env, readFile, fileOption: 'config', positionals: modelWord })
  if (given.help !== undefined) {
    const { helpPage } = await import('./help.ts')
    return { help: helpPage(given.help) }
  }
  if (given.version) return { version: true }

  const word = given.values.get('step-profile')
  const read = new Map(given.values)
  if (typeof word === 'string') read.set('step-profile', readStepProfile(word, readFile))
  const values = completeValues(read)
  const error = validationError(values) ?? stepsError(values, new Set(given.values.keys()))
  if (error !== undefined) throw new ConfigError(error, values.model === '' ? MODEL_HINT : undefined)
  const config = buildConfig({
    values,
    environment: readEnvironment(env),
    given: new Set(given.values.keys()),
    configFileRead: given.fileRead,
    freshSeed: BigInt(freshSeed()),
    hostedRank: 0,
  })
  const warnings = [...given.warnings]
  if (values.mmEncoderOnly && values.mode === 'echo') warnings.push('MM encoder-only mode: ignoring echo mode')
  return { config, warnings, noEffect: given.noEffect }
}

/** `serve MODEL`, or MODEL as the very first word as containers of vLLM get it. Other words are ignored. */
export function modelWord(
  { values, positionals, startsWithPositional }: CommandLine,
  warn: (remark: string) => void,
): ReadonlyMap<string, unknown> {
  const words = [...positionals]
  const given = new Map<string, unknown>()
  const serve = words[0] === 'serve'
  if (serve) words.shift()
  if (words.length > 0 && (serve || (startsWithPositional && !values.has('model')))) {
    const model = words.shift()!
    const flag = values.get('model')
    if (flag !== undefined && flag !== model) warn(`--model ${flag} is ignored: the model is "${model}"`)
    given.set('model', model)
  }
  for (const word of words) warn(`argument "${word}" is ignored: it belongs to no flag`)
  return given
}
