import {
  completeValues,
  fileErrorText,
  helpText,
  parseCommandLine,
  publishedFields,
  readYamlText,
  reasonOf,
} from '@vllm-sim/config'
import { options, published } from '../options/table.ts'
import { applyAliases } from './aliases.ts'
import { withTwoDashes } from './arguments.ts'
import { type Config, type Fields, makeConfig } from './config.ts'
import { problemOf } from './rules.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What came of the command line, the environment and the configuration. */
export interface Loaded {
  readonly config: Config
  /** One line each for the log. */
  readonly warnings: readonly string[]
  /** Why the program cannot start so: what llm-d's sidecar says. */
  readonly problem: string | undefined
}

/**
 * Reads the configuration. Flags win over YAML, that over environment variables, these over defaults.
 * @throws ConfigError for a command line that cannot be read; the exit status for it is 2
 */
export async function loadConfig(
  argv: readonly string[],
  env: Environment,
  readFile: (path: string) => string,
): Promise<Loaded | { readonly help: string } | { readonly version: true }> {
  const commandLine = parseCommandLine(options, withTwoDashes(argv))
  if (commandLine.help !== undefined) return { help: helpPage(commandLine.help) }
  if (commandLine.version) return { version: true }
  const warnings = [...commandLine.warnings]
  const warn = (line: string): void => void warnings.push(line)
  for (const word of commandLine.positionals) warn(`argument ${JSON.stringify(word)} is ignored: it belongs to no flag`)
  const flags = new Map(commandLine.values)
  applyAliases(flags, warn)
  const file = new Map<string, unknown>()
  let problem: string | undefined
  try {
    for (const [name, value] of await readYaml(flags, readFile, warn)) if (isGiven(name, value)) file.set(name, value)
    applyAliases(file, warn)
  } catch (error) {
    problem = reasonOf(error)
  }
  const values = completeValues<typeof published>(options, new Map([...fromEnvironment(env, warn), ...file, ...flags]))
  const fields: Fields = publishedFields(published, values)
  problem ??= problemOf(fields, {
    portFlag:
      flags.has('vllm-port') && !commandLine.values.has('model-server-port') ? '--vllm-port' : '--model-server-port',
  })
  return { config: makeConfig(fields, env), warnings, problem }
}

async function readYaml(
  flags: ReadonlyMap<string, unknown>,
  readFile: (path: string) => string,
  warn: (line: string) => void,
): Promise<ReadonlyMap<string, unknown>> {
  const inline = flags.get('configuration') as string | undefined
  const path = flags.get('configuration-file') as string | undefined
  if (inline !== undefined && path !== undefined) {
    throw new Error('flags --configuration and --configuration-file are mutually exclusive')
  }
  if (inline === undefined && path === undefined) return new Map()
  const text = inline ?? readConfiguration(path!, readFile)
  const where = path ?? '--configuration'
  const read = await readYamlText(options, text, {
    path: where,
    problem: 'failed to unmarshal sidecar configuration: ',
    strict: true,
  })
  for (const line of read.warnings) warn(line)
  return read.values
}

function readConfiguration(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path)
  } catch (error) {
    throw new Error(`failed to read sidecar configuration from file: ${fileErrorText(error, path)}`)
  }
}

/** In a file, zero and empty count as nothing, but for what is meaningful then. */
function isGiven(name: string, value: unknown): boolean {
  if (typeof value === 'boolean' || name === 'prefill-max-retries') return true
  return !(value === 0 || value === '' || (Array.isArray(value) && value.length === 0))
}

/** Values of options in the environment; a bad one does not count. */
function fromEnvironment(env: Environment, warn: (line: string) => void): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const [name, row] of options.rows) {
    const word = row.env === undefined ? '' : (env[row.env] ?? '')
    if (word === '') continue
    try {
      values.set(name, row.type.parse(word, warn))
    } catch (error) {
      warn(`environment variable ${row.env} is ignored: ${reasonOf(error)}`)
    }
  }
  return values
}

function helpPage(topic: string): string {
  return helpText(options, topic, {
    head: ['Usage of pd-sidecar:', '', '  pd-sidecar [flags]'],
    foot: [
      'Also: --help=WORD for the options that contain a word, --help=all for old names too; --version;',
      'pd-sidecar health, with a --help of its own.',
    ],
  })
}
