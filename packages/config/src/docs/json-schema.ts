import type { Option } from '../option.ts'
import type { OptionTable } from '../table.ts'
import { plainDefault } from './markdown.ts'

/**
 * JSON schema of configuration files, for editors and for checks of generated files.
 * @param title and `description` of the schema
 */
export function renderJsonSchema(table: OptionTable, title: string, description: string): string {
  const rows = [...table.rows].filter(([, row]) => !row.commandLineOnly).sort(([a], [b]) => (a < b ? -1 : 1))
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    description,
    type: 'object',
    properties: Object.fromEntries(rows.map(([name, row]) => [name, propertySchema(row)])),
    additionalProperties: false,
  }
  return `${printJson(schema, 0, LINE_WIDTH)}\n`
}

function propertySchema(row: Option): Record<string, unknown> {
  const { type, min, max, above, oneOf, help } = row
  const preset = plainDefault(row)
  // Values of durations are held in nanoseconds, which is not what a file says.
  const bounded = type.publish === undefined
  return {
    description: row.effect === 'none' ? `${help}. Accepted, has no effect` : help,
    ...type.schema,
    ...(oneOf !== undefined && { enum: oneOf }),
    ...(bounded && min !== undefined && { minimum: min }),
    ...(bounded && max !== undefined && { maximum: max }),
    ...(above !== undefined && { exclusiveMinimum: above }),
    ...(preset !== undefined && { default: preset }),
  }
}

const LINE_WIDTH = 120

/**
 * JSON in the layout of the project's formatter: objects over several lines, lists on one where they fit.
 * @param room columns that are left on the line
 */
function printJson(value: unknown, depth: number, room: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const pad = '  '.repeat(depth + 1)
  const end = `\n${'  '.repeat(depth)}`
  if (Array.isArray(value)) {
    const line = `[${value.map(item => JSON.stringify(item)).join(', ')}]`
    if (line.length <= room) return line
    return `[\n${value.map(item => pad + JSON.stringify(item)).join(',\n')}${end}]`
  }
  const lines = Object.entries(value).map(([key, item]) => {
    const start = `${pad}${JSON.stringify(key)}: `
    // One column is for the comma behind it.
    return start + printJson(item, depth + 1, LINE_WIDTH - start.length - 1)
  })
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}${end}}`
}
