import type { OptionTable } from '../table.ts'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import { type Environment, readOptionVariables } from './environment.ts'
import { readYamlFile } from './yaml-file.ts'

/** Where the values of options come from. */
export interface Sources {
  /** The words after the program's name. */
  readonly argv: readonly string[]
  readonly env: Environment
  /** Reads a text file; throws like Node's file functions do. Called only for the file that `fileOption` names. */
  readonly readFile: (path: string) => string
  /** Name of the option that names a YAML file; without one no file is read. */
  readonly fileOption?: string
  /** Takes the words that belong to no option; what it returns counts as given on the command line. */
  readonly positionals?: (commandLine: CommandLine, warn: (remark: string) => void) => ReadonlyMap<string, unknown>
}

/** What the sources say. */
export interface Given {
  /** Parsed values by option name: the command line wins over the environment, that over the file. */
  readonly values: ReadonlyMap<string, unknown>
  /** One line each for the log. */
  readonly warnings: readonly string[]
  /** Options that were given, are accepted, and have no effect. */
  readonly noEffect: readonly string[]
  /** A file was read. */
  readonly fileRead: boolean
  /** `--help` was given; the text after `--help=`, or empty. Nothing else was read then. */
  readonly help?: string
  /** `--version` was given. Nothing else was read then. */
  readonly version?: true
}

/** Reads all sources. @throws ConfigError with the text to show */
export async function readSources(table: OptionTable, sources: Sources): Promise<Given> {
  const { argv, env, readFile, fileOption, positionals } = sources
  const commandLine = parseCommandLine(table, argv)
  const { help, version } = commandLine
  const nothing = { values: new Map(), warnings: [], noEffect: [], fileRead: false }
  if (help !== undefined) return { ...nothing, help }
  if (version) return { ...nothing, version }

  const warnings = [...commandLine.warnings]
  const warn = (remark: string): void => void warnings.push(remark)
  const words = positionals?.(commandLine, warn) ?? new Map<string, unknown>()
  const path = fileOption === undefined ? undefined : commandLine.values.get(fileOption)
  const file = typeof path === 'string' ? await readYamlFile(table, path, readFile) : undefined
  warnings.push(...(file?.warnings ?? []))
  const variables = readOptionVariables(table, env, warn)
  const values = new Map([...(file?.values ?? []), ...variables, ...commandLine.values, ...words])
  const noEffect = [...values.keys()].filter(name => table.rows.get(name)!.effect === 'none')
  return { values, warnings, noEffect, fileRead: file !== undefined }
}
