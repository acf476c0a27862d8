import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from './parse-json.ts'

const parse = (text: string): unknown => parseJson(text, detail => new Error(detail))
const padding = `"${'x'.repeat(70_000)}"`

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

  test.each([
    ['', 'the body is empty'],
    ['{', 'JSON'],
    [`[${padding}`, 'JSON'],
    [`[${padding.slice(0, -1)}`, 'JSON'],
    [`[${padding},${'['.repeat(10_000)}${']'.repeat(10_000)}]`, 'the body is nested deeper than 10000 levels'],
    [`[${'{},'.repeat(300_000)}1]`, 'the body has more than 262144 arrays and objects'],
  ])('%#: is refused', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })
})
