import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLine, familyHeader, formatBound, formatNumber } from './exposition.ts'

describe('numbers as Go prints them', () => {
  test.each([
    [0, '0'],
    [1, '1'],
    [-1, '-1'],
    [0.125, '0.125'],
    [2560, '2560'],
    [999999, '999999'],
    [100000.5, '100000.5'],
    [999999.5, '999999.5'],
    [1e6, '1e+06'],
    [-1e6, '-1e+06'],
    [1234567, '1.234567e+06'],
    [1257894567, '1.257894567e+09'],
    [1.5e10, '1.5e+10'],
    [1e21, '1e+21'],
    [1e100, '1e+100'],
    [0.0001, '0.0001'],
    [0.00012345, '0.00012345'],
    [0.00001, '1e-05'],
    [0.0000999, '9.99e-05'],
    [1.5e-300, '1.5e-300'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ])('%d', (value, text) => {
    expect(formatNumber(value)).toBe(text)
  })

  test('read back as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => Number(formatNumber(value)) === value),
    )
  })

  test('have no exponent from 1e-4 to below 1e6, and one of two digits or more elsewhere', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
        const size = Math.abs(value)
        const plain = size === 0 || (size >= 1e-4 && size < 1e6)
        expect(formatNumber(value)).toMatch(plain ? /^-?\d+(\.\d+)?$/ : /^-?\d(\.\d+)?e[+-]\d{2,3}$/)
      }),
    )
  })
})

test('labels stand in order of their names, le after all', () => {
  const line = createLine('vllm:x_bucket', { zone: 'z', model_name: 'm' }, ['le', '0.1'])
  expect(line.prefix).toBe('vllm:x_bucket{model_name="m",zone="z",le="0.1"} ')
})

test('label values and help are escaped', () => {
  expect(createLine('x', { a: 'q"b\\n\n' }).prefix).toBe('x{a="q\\"b\\\\n\\n"} ')
  expect(familyHeader('x', 'gauge', 'a "b"\\\n')).toBe('# HELP x a "b"\\\\\\n\n# TYPE x gauge\n')
})

test('a sample without labels has no braces', () => {
  expect(createLine('x', {}).prefix).toBe('x ')
})

test.each([
  [1, '1.0'],
  [0.001, '0.001'],
  [2.5, '2.5'],
  [16384, '16384.0'],
  [100000, '100000.0'],
  [1e6, '1e+06'],
  [1.5e6, '1.5e+06'],
  [0.00001, '1e-05'],
  [Number.POSITIVE_INFINITY, '+Inf'],
])('the bound %d as Python prints it', (value, text) => {
  expect(formatBound(value)).toBe(text)
})
