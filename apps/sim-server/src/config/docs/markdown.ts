import { environmentTable } from '../environment.ts'
import type { Option, OptionGroup } from '../option.ts'
import { optionGroups, optionTable } from '../table.ts'
import { INTRODUCTION } from './introduction.ts'
import { table } from './table.ts'

/** The reference page of all options. */
export function renderConfigurationPage(): string {
  const working = optionGroups.filter(({ options }) => hasEffect(options))
  const accepted = optionGroups.filter(({ options }) => !hasEffect(options))
  return `${[
    INTRODUCTION,
    '## Options',
    ...working.flatMap(optionSection),
    '## Environment variables',
    environmentSection(),
    '## Live changes',
    liveSection(),
    '## Accepted without effect',
    'These options are taken in vLLM’s syntax, so that its command lines and manifests work unchanged. The log names the ones that were given.',
    ...accepted.flatMap(acceptedSection),
  ].join('\n\n')}\n`
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

function environmentSection(): string {
  const ofOptions = [...optionTable].flatMap(([name, row]) =>
    row.env === undefined ? [] : [[code(row.env), 'unset', `As \`--${name}\`, which wins`]],
  )
  const others = Object.values(environmentTable).map(({ name, help, default: preset }) => [
    code(name),
    preset === '' ? 'unset' : code(String(preset)),
    cell(help),
  ])
  return table(['variable', 'default', 'meaning'], [...ofOptions, ...others])
}

function liveSection(): string {
  const names = (kind: Option['live']): string =>
    [...optionTable].flatMap(([name, row]) => (row.live === kind ? [code(name)] : [])).join(', ')
  return [
    '`GET /admin/config` shows the configuration, `POST /admin/config` with a JSON object changes these options while the server runs. All keys of a request take effect, or none does.',
    `- Delays, for what starts afterwards: ${names('latency')}.\n- Others: ${names('other')}.`,
    'Durations are strings as above, or integers, which are nanoseconds here. `null` leaves an option as it is, except that it empties `failure-types`.',
  ].join('\n\n')
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

function code(text: string): string {
  return `\`${text}\``
}

/** Text in a table: a bar would end the cell, also inside code. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
