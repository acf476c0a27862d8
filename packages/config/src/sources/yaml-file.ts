import { CompleteError, ConfigError, reasonOf } from '../errors.ts'
import type { OptionTable } from '../table.ts'
import type { YamlNode } from './yaml-node.ts'

/** What a configuration file says. */
export interface YamlFile {
  /** Values by option name, of the keys that have one. */
  readonly values: ReadonlyMap<string, unknown>
  readonly warnings: readonly string[]
}

const PREFIX = 'failed to unmarshal configuration: '

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
    throw new ConfigError(`failed to read configuration file: ${systemText(error, path)}`)
  }
  const { parseYaml } = await import('./yaml-parser.ts')
  const values = new Map<string, unknown>()
  const warnings: string[] = []
  try {
    for (const { key, line, node } of parseYaml(text)) {
      const name = key.replaceAll('_', '-')
      const row = table.rows.get(name)
      if (row === undefined || row.commandLineOnly) {
        warnings.push(`${path}: unknown key "${key}" in line ${line} is ignored`)
        continue
      }
      if (isNull(node)) continue
      if (values.has(name)) throw new ConfigError(`${PREFIX}line ${line}: key "${name}" is already set`)
      const warn = (remark: string) => warnings.push(`${path}: ${name} in line ${line}: ${remark}`)
      values.set(
        name,
        readValue(() => row.type.read(node, warn), name, line),
      )
    }
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(PREFIX + reasonOf(error))
  }
  return { values, warnings }
}

function readValue(read: () => unknown, name: string, line: number): unknown {
  try {
    return read()
  } catch (error) {
    if (error instanceof CompleteError || error instanceof ConfigError) throw error
    throw new ConfigError(`${PREFIX}line ${line}: ${name}: ${reasonOf(error)}`)
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

function systemText(error: unknown, path: string): string {
  const code = (error as { code?: unknown }).code
  const known = typeof code === 'string' ? SYSTEM_TEXTS[code] : undefined
  return known === undefined ? reasonOf(error) : `open ${path}: ${known}`
}
