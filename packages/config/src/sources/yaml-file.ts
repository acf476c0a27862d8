import { CompleteError, ConfigError, reasonOf } from '../errors.ts'
import type { OptionTable } from '../table.ts'
import type { YamlNode } from './yaml-node.ts'

/** What a configuration file says. */
export interface YamlFile {
  /** Values by option name, of the keys that have one. */
  readonly values: ReadonlyMap<string, unknown>
  readonly warnings: readonly string[]
}

/**
 * Reads a configuration file. The YAML parser is loaded only when there is one.
 * @throws ConfigError `failed to read configuration file: ...` or `failed to unmarshal configuration: ...`
 */
export async function readYamlFile(
  table: OptionTable,
  path: string,
  readFile: (path: string) => string,
): Promise<YamlFile> {
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    throw new ConfigError(`failed to read configuration file: ${fileErrorText(error, path)}`)
  }
  return readYamlText(table, text, { path })
}

/** How the text of a configuration is read. */
export interface YamlTextOptions {
  /** Where it stands, for messages. */
  readonly path: string
  /** What is said before the reason for which it cannot be used. @default 'failed to unmarshal configuration: ' */
  readonly problem?: string
  /** A key that no option has is an error, not a warning. */
  readonly strict?: boolean
}

/** Reads options that are written as YAML, or JSON. @throws ConfigError */
export async function readYamlText(
  table: OptionTable,
  text: string,
  { path, problem = 'failed to unmarshal configuration: ', strict = false }: YamlTextOptions,
): Promise<YamlFile> {
  const { parseYaml } = await import('./yaml-parser.ts')
  const values = new Map<string, unknown>()
  const warnings: string[] = []
  try {
    for (const { key, line, node } of parseYaml(text)) {
      const name = key.replaceAll('_', '-')
      const row = table.rows.get(name)
      if (row === undefined || row.commandLineOnly) {
        if (strict) throw new ConfigError(`${problem}line ${line}: unknown field "${key}"`)
        warnings.push(`${path}: unknown key "${key}" in line ${line} is ignored`)
        continue
      }
      if (isNull(node)) continue
      if (values.has(name)) throw new ConfigError(`${problem}line ${line}: key "${name}" is already set`)
      const warn = (remark: string) => warnings.push(`${path}: ${name} in line ${line}: ${remark}`)
      values.set(
        name,
        readValue(() => row.type.read(node, warn), `${problem}line ${line}: ${name}`),
      )
    }
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(problem + reasonOf(error))
  }
  return { values, warnings }
}

function readValue(read: () => unknown, problem: string): unknown {
  try {
    return read()
  } catch (error) {
    if (error instanceof CompleteError || error instanceof ConfigError) throw error
    throw new ConfigError(`${problem}: ${reasonOf(error)}`)
  }
}

function isNull(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.tag === 'null'
}

const SYSTEM_TEXTS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
}

/** Why a file cannot be read, in Go's words. */
export function fileErrorText(error: unknown, path: string): string {
  const code = (error as { code?: unknown }).code
  const known = typeof code === 'string' ? SYSTEM_TEXTS[code] : undefined
  return known === undefined ? reasonOf(error) : `open ${path}: ${known}`
}
