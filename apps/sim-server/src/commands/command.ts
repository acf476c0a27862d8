import { readFileSync, writeFileSync } from 'node:fs'
import { ConfigError, type Environment, helpText, type OptionTable, readSources, reasonOf } from '@vllm-sim/config'
import { TraceError } from '@vllm-sim/replay'
import { print } from '@vllm-sim/service'

/** A command that reads files, prints and ends. */
export interface Command {
  /** The word after the program's name. */
  readonly name: string
  /** @returns what to print @throws ConfigError or TraceError in one line */
  readonly run: (argv: readonly string[], env: Environment) => Promise<string>
}

/** Runs a command and ends the process: with 0, or with 2 and a line that says what is wrong. */
export async function runCommand({ name, run }: Command, argv: readonly string[], env: Environment): Promise<never> {
  try {
    print(1, await run(argv, env))
    process.exit(0)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof TraceError)) throw error
    print(2, `vllm-sim ${name}: ${error.message}\n`)
    process.exit(2)
  }
}

/** What a command was given: options and the words that belong to none. Or its help. */
export type Given =
  | { readonly values: ReadonlyMap<string, unknown>; readonly words: readonly string[]; readonly help?: undefined }
  | { readonly help: string }

/** Reads the command line of a command. @throws ConfigError */
export async function readCommandLine(
  table: OptionTable,
  head: readonly string[],
  argv: readonly string[],
  env: Environment,
): Promise<Given> {
  const words: string[] = []
  const { help, values } = await readSources(table, {
    argv,
    env,
    readFile: readText,
    positionals: ({ positionals }) => {
      words.push(...positionals)
      return new Map()
    },
  })
  return help === undefined ? { values, words } : { help: helpText(table, help, { head, foot: [] }) }
}

/** A file as text. */
export function readText(file: string): string {
  return readFileSync(file, 'utf8')
}

/** Puts a text into a file, or says why it cannot. @throws ConfigError */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new ConfigError(`${file}: ${reasonOf(error)}`)
  }
}
