import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from './parse-json.ts'

const parse = (text: string): unknown => parseJson(text, detail => new Error(detail))
const padding = `"${'x'.repeat(70_000)}"`

const list = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join()
const names = (count: number): string => list(count, i => `"n${i.toString(36)}" : 1`)
const strings = (count: number): string => list(count, i => `"${i.toString(36)}"`)

describe('a body', () => {
  test('is what JSON.parse makes of it, long or short', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const text = JSON.stringify(value)
        expect(parse(text)).toEqual(JSON.parse(text))
        expect(parse(`[${padding},${text}]`)).toEqual(JSON.parse(`[${padding},${text}]`))
      }),
      { numRuns: 200 },
    )
  })

  test('may contain any brackets in its strings', () => {
    const text = JSON.stringify({ 'a[{"\\': ['[{\\"'.repeat(300_000), '\\'.repeat(100_001)] })
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  test('may have many names and strings that are the same, and long strings that are not', () => {
    const one = '{"name": "value", "other":"x"}'
    const text = `[${list(100_000, () => one)},${list(150_000, i => `"long string ${i}"`)},{${names(16_000)}}]`
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  test.each([
    ['', 'it is empty'],
    ['{', 'JSON'],
    [`[${padding}`, 'JSON'],
    [`[${padding.slice(0, -1)}`, 'JSON'],
    [`[${padding},${'['.repeat(10_000)}${']'.repeat(10_000)}]`, 'it is nested deeper than 10000 levels'],
    [`[${'{},'.repeat(300_000)}1]`, 'it has more than 131072 arrays and objects'],
    [`{${names(20_000)}}`, 'it has more than 16384 different names of members'],
    [`[${strings(200_000)}]`, 'it has more than 131072 different strings of up to 10 characters'],
  ])('%#: is refused', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })
})
