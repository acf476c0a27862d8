import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from './durations.ts'

describe('parseDuration', () => {
  test('does not read millions of digits', () => {
    const message = `time: invalid duration "${'9'.repeat(40)}"…: longer than 1000 characters`
    expect(() => parseDuration(`${'9'.repeat(4_000_000)}s`)).toThrow(new Error(message))
  })

  test.each([
    ['0', 0],
    ['+0', 0],
    ['-0', 0],
    ['1h2m3.5s', 3_723_500_000_000],
    ['.5s', 500_000_000],
    ['1.s', 1_000_000_000],
    ['-1.5h', -5_400_000_000_000],
    ['1ms1ms', 2_000_000],
    ['400us', 400_000],
    ['3\u00b5s', 3_000],
    ['3\u03bcs', 3_000],
    ['1.9999ns', 1],
    ['0.1ms', 100_000],
    ['2562047h47m16.854775807s', 2 ** 63],
  ])('%s', (text, ns) => {
    expect(parseDuration(text)).toBe(ns)
  })

  test.each([
    ['100', 'time: missing unit in duration "100"'],
    ['00', 'time: missing unit in duration "00"'],
    ['1.', 'time: missing unit in duration "1."'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['1H', 'time: unknown unit "H" in duration "1H"'],
    ['1 s', 'time: unknown unit " s" in duration "1 s"'],
    ['1h-1m', 'time: unknown unit "h-" in duration "1h-1m"'],
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['abc', 'time: invalid duration "abc"'],
    ['s', 'time: invalid duration "s"'],
    ['.s', 'time: invalid duration ".s"'],
    ['3000000h', 'time: invalid duration "3000000h"'],
    ['1"', 'time: unknown unit "\\"" in duration "1\\""'],
    ['1é', 'time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"'],
  ])('refuses %j', (text, message) => {
    expect(() => parseDuration(text)).toThrow(new Error(message))
  })
})

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [1, '1ns'],
    [1500, '1.5\u00b5s'],
    [1_500_000, '1.5ms'],
    [999_999_999, '999.999999ms'],
    [1_000_000_000, '1s'],
    [61_000_000_000, '1m1s'],
    [3_600_000_000_000, '1h0m0s'],
    [90_061_001_002_003, '25h1m1.001002003s'],
    [-5_400_000_000_000, '-1h30m0s'],
  ])('%d', (ns, text) => {
    expect(formatDuration(ns)).toBe(text)
  })

  test('what is printed is read as the same number, up to 2^53 ns', () => {
    fc.assert(
      fc.property(fc.integer({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }), ns => {
        expect(parseDuration(formatDuration(ns))).toBe(ns === 0 ? 0 : ns)
      }),
    )
  })

  test('the sum of the parts is what is read', () => {
    const part = fc.record({
      n: fc.nat(10_000),
      unit: fc.constantFrom(['ns', 1], ['us', 1e3], ['ms', 1e6], ['s', 1e9]),
    })
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), parts => {
        const text = parts.map(({ n, unit }) => `${n}${unit[0]}`).join('')
        expect(parseDuration(text)).toBe(parts.reduce((sum, { n, unit }) => sum + n * Number(unit[1]), 0))
      }),
    )
  })
})
