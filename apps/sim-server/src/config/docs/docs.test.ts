import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { optionTable } from '../../options/table.ts'
import { renderConfigurationPage, renderConfigurationSchema } from './page.ts'

function committed(name: string): string {
  return readFileSync(new URL(`../../../../../docs/${name}`, import.meta.url), 'utf8')
}

describe('docs/configuration.md', () => {
  test('is what the table says now; if this fails, run "pnpm generate:docs"', () => {
    expect(committed('configuration.md') === renderConfigurationPage()).toBe(true)
  })

  test('has a row for every option', () => {
    const page = renderConfigurationPage()
    for (const name of optionTable.keys()) expect(page).toMatch(new RegExp(`^\\| \`--${name}\`[ ,]`, 'm'))
  })
})

describe('docs/configuration.schema.json', () => {
  const schema = JSON.parse(renderConfigurationSchema())

  test('is what the table says now; if this fails, run "pnpm generate:docs"', () => {
    expect(committed('configuration.schema.json') === renderConfigurationSchema()).toBe(true)
  })

  test('has every key that a file may have', () => {
    const keys = [...optionTable.keys()].filter(name => name !== 'config')
    expect(Object.keys(schema.properties).sort()).toEqual(keys.sort())
  })

  test('says what the options take', () => {
    expect(schema.properties.port).toEqual({
      description: 'TCP port; 0 takes a free one, for each rank its own',
      type: 'number',
      minimum: 0,
      maximum: 65535,
      default: 8000,
    })
    expect(schema.properties['block-size'].enum).toEqual([8, 16, 32, 64, 128])
    expect(schema.properties['fake-metrics-refresh-interval'].default).toBe('100ms')
    const duration = new RegExp(schema.properties['inter-token-latency'].pattern)
    for (const text of ['0', '100ms', '1h2m3.5s', '.5s', '-1s', '3µs', '500']) expect(text).toMatch(duration)
    for (const text of ['1.5', 'ms', '1 s', '1d', '']) expect(text).not.toMatch(duration)
  })
})
