import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatShortest, parseFloat64, parseHumanInteger, parseInt64 } from './numbers.ts'

describe('integers', () => {
  test.each([
    ['8000', 8000n],
    ['+5', 5n],
    ['-50', -50n],
    ['010', 10n],
    ['0x1f90', 8080n],
    ['9223372036854775807', 9223372036854775807n],
    ['-9223372036854775808', -9223372036854775808n],
  ])('%s', (text, value) => {
    expect(parseInt64(text)).toBe(value)
  })

  test.each(['abc', '', '1.5', '8_000', '1e3', ' 1', '0b1', '--1'])('refuses %j', text => {
    expect(() => parseInt64(text)).toThrow(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  })

  test('refuses what 64 bits cannot hold', () => {
    expect(() => parseInt64('9223372036854775808')).toThrow(
      'strconv.ParseInt: parsing "9223372036854775808": value out of range',
    )
  })
})

describe('human integers', () => {
  test.each([
    ['1k', 1000],
    ['1K', 1024],
    ['25.6k', 25_600],
    ['32k', 32_000],
    ['1.1m', 1_100_000],
    ['2M', 2_097_152],
    ['1g', 1e9],
    ['1G', 1_073_741_824],
    ['1T', 2 ** 40],
    ['8192', 8192],
    ['-1', -1],
  ])('%s', (text, value) => {
    expect(parseHumanInteger(text)).toBe(value)
  })

  test.each(['k', '1.5K', '1x', '1kk', '99999999t'])('refuses %s', text => {
    expect(() => parseHumanInteger(text)).toThrow('strconv.ParseInt')
  })
})

describe('floats', () => {
  test.each([
    ['1.5', 1.5],
    ['.5', 0.5],
    ['2.', 2],
    ['-1e-3', -0.001],
    ['0', 0],
  ])('%s', (text, value) => {
    expect(parseFloat64(text)).toBe(value)
  })

  test.each(['NaN', 'Inf', '-inf', '1e400', '', 'abc', '0x1p4'])('refuses %j', text => {
    expect(() => parseFloat64(text)).toThrow('strconv.ParseFloat')
  })

  test.each([
    [0, '0'],
    [1, '1'],
    [0.3, '0.3'],
    [999_999, '999999'],
    [1_000_000, '1e+06'],
    [1_234_567, '1.234567e+06'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [-2.5, '-2.5'],
  ])('%d prints as Go prints it', (value, text) => {
    expect(formatShortest(value)).toBe(text)
  })

  test('printing loses nothing', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
        expect(parseFloat64(formatShortest(value))).toBe(value === 0 ? 0 : value)
      }),
    )
  })
})

test('an integer of millions of digits is not read', () => {
  expect(() => parseInt64('9'.repeat(4_000_000))).toThrow('longer than 1000 characters')
})
