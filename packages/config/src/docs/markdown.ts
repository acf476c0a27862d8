import type { Option, OptionGroup } from '../option.ts'
import type { Variable } from '../sources/environment.ts'
import type { OptionTable } from '../table.ts'
import { table } from './table.ts'

/** A heading and a table for each group that has an option with effect. */
export function optionTables({ groups }: OptionTable): string[] {
  return groups.filter(({ options }) => hasEffect(options)).flatMap(optionSection)
}

/** A heading and a table for each group whose options are all without effect. */
export function acceptedTables({ groups }: OptionTable): string[] {
  return groups.filter(({ options }) => !hasEffect(options)).flatMap(acceptedSection)
}

function hasEffect(options: OptionGroup['options']): boolean {
  return Object.values(options).some(row => row.effect === 'works')
}

function optionSection({ title, options }: OptionGroup): string[] {
  const rows = Object.entries(options).map(([name, row]) => [
    flagName(name, row),
    cell(code(row.type.label)),
    defaultCell(row),
    cell(rangeText(row)),
    cell(row.help + (row.effect === 'none' ? '. No effect' : '')),
  ])
  return [`### ${title}`, table(['option', 'type', 'default', 'range', 'meaning'], rows)]
}

function acceptedSection({ title, options }: OptionGroup): string[] {
  const rows = Object.entries(options).map(([name, row]) => [
    flagName(name, row),
    cell(code(row.type.label)),
    cell(row.help),
  ])
  return [`### ${title}`, table(['option', 'type', 'meaning'], rows)]
}

/** The environment variables of options, and those of their own. */
export function variableTable(options: OptionTable, variables: Readonly<Record<string, Variable>>): string {
  const ofOptions = [...options.rows].flatMap(([name, row]) =>
    row.env === undefined ? [] : [[code(row.env), 'unset', `As \`--${name}\`, which wins`]],
  )
  const others = Object.values(variables).map(({ name, help, default: preset }) => [
    code(name),
    preset === '' ? 'unset' : code(String(preset)),
    cell(help),
  ])
  return table(['variable', 'default', 'meaning'], [...ofOptions, ...others])
}

function flagName(name: string, row: Option): string {
  const short = (row.short ?? []).map(form => code(`-${form}`))
  return [code(`--${name}`), ...short].join(', ')
}

function rangeText({ min, max, above, oneOf, type }: Option): string {
  if (oneOf !== undefined) {
    return oneOf
      .filter(value => value !== '')
      .map(value => code(String(value)))
      .join(', ')
  }
  const show = (value: number): string => type.format?.(value) ?? String(value)
  if (above !== undefined) return `> ${show(above)}`
  if (min !== undefined && max !== undefined) return `${show(min)} to ${show(max)}`
  if (min !== undefined) return `≥ ${show(min)}`
  return max === undefined ? '' : `≤ ${show(max)}`
}

function defaultCell(row: Option): string {
  if (row.defaultText !== undefined) return cell(row.defaultText)
  const preset = plainDefault(row)
  if (preset === undefined || preset === '') return ''
  return code(typeof preset === 'string' ? preset : JSON.stringify(preset))
}

/** The default as it would be written in a file; undefined when there is none. */
export function plainDefault({ default: value, type, defaultText }: Option): unknown {
  if (value === undefined || defaultText !== undefined) return undefined
  return type.format === undefined ? value : type.format(value)
}

/** Text as code. */
export function code(text: string): string {
  return `\`${text}\``
}

/** Text in a table: a bar would end the cell, also inside code. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
