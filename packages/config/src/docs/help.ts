import type { Option } from '../option.ts'
import type { OptionTable } from '../table.ts'

const WIDTH = 100
const INDENT = ' '.repeat(8)

/** What stands around the options. */
export interface HelpPage {
  /** Lines before the options. */
  readonly head: readonly string[]
  /** Lines behind them. */
  readonly foot: readonly string[]
}

/**
 * The text of `--help`.
 * @param topic empty: the options that have an effect; `all`: every option; anything else: those whose name, help or
 * group contains it
 */
export function helpText(table: OptionTable, topic: string, { head, foot }: HelpPage): string {
  const wanted = topic.toLowerCase()
  const lines = [...head]
  for (const { title, options } of table.groups) {
    const rows = Object.entries(options).filter(([name, row]) => isWanted(wanted, title, name, row))
    if (rows.length > 0) lines.push('', `${title}:`, ...rows.flatMap(([name, row]) => describe(name, row)))
  }
  return `${[...lines, '', ...foot].join('\n')}\n`
}

function isWanted(topic: string, title: string, name: string, row: Option): boolean {
  if (topic === '') return row.effect === 'works'
  return topic === 'all' || [title, name, row.help].some(text => text.toLowerCase().includes(topic))
}

function describe(name: string, row: Option): string[] {
  const names = [...(row.short ?? []).map(short => `-${short}`), `--${name}`].join(', ')
  const value = row.type.arity === 'switch' ? '' : ` ${row.type.label}`
  const notes = [defaultText(row), row.env === undefined ? '' : `environment ${row.env}`].filter(note => note !== '')
  return [`  ${names}${value}`, ...wrap(`${row.help}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`)]
}

/** The default as a reader would write it; empty when there is none worth naming. */
function defaultText(row: Option): string {
  if (row.defaultText !== undefined) return `default ${row.defaultText}`
  const { default: value, type } = row
  if (value === undefined || value === '' || (value === false && row.effect === 'none')) return ''
  if (type.format !== undefined) return `default ${type.format(value)}`
  return `default ${typeof value === 'string' ? value : JSON.stringify(value)}`
}

function wrap(text: string): string[] {
  const lines: string[] = []
  let line = INDENT
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH && line !== INDENT) {
      lines.push(line)
      line = INDENT
    }
    line += line === INDENT ? word : ` ${word}`
  }
  return [...lines, line]
}
