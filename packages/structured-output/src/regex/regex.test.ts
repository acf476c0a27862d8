import { seededRandom } from '@vllm-sim/latency'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileRegex, TextConditions } from './regex.ts'

const PATTERNS = [
  '\\d{3}-\\d{4}',
  '^[a-z]+$',
  '(?:cat|dog)s?',
  '(?=.*[A-Z])(?=.*\\d).{8,}',
  '\\bfoo\\b',
  '(["\'])x*\\1',
  '(?<quote>a|b)-\\k<quote>',
  '(?!foo)f[a-z]{2}',
  '(?:(?!ab)[abc])*',
  '(a|b)*a(a|b){12}',
  '[^\\x00-\\x7F]{3}',
  '\\p{L}+\\s\\p{Lu}',
  '',
  '^(a|^b)c$|d$',
  'x\\B.',
  '[0-9]{1,3}(,[0-9]{3})*(\\.\\d+)?',
  'https?://[^/]+/.*',
  '\\u{1F600}[\\u{1F600}-\\u{1F64F}]?',
  '[\\s\\S]{2,4}?',
  '(a?){3}b{2,}',
  '\\//\\.',
]

describe('texts that match a pattern as a whole', () => {
  test.each(PATTERNS)('%s', source => {
    const random = seededRandom(source)
    const texts = compileRegex(source)
    const whole = new RegExp(`^(?:${source})$`, 'u')
    for (let i = 0; i < 40; i++) expect(texts.generate(random)).toMatch(whole)
    expect(texts.smallest()).toMatch(whole)
    expect(texts.smallest(random)).toMatch(whole)
  })

  test('flag i also uses the other case, flag s lets the dot be a line break', () => {
    const random = seededRandom('case')
    const texts = new Set(Array.from({ length: 40 }, () => compileRegex('abc', 'i').generate(random)))
    expect(texts.size).toBeGreaterThan(1)
    for (const text of texts) expect(text.toLowerCase()).toBe('abc')
    expect(compileRegex('(?!.*[a-z ])(?!.*[^\\n]).', 's').smallest()).toBe('\n')
  })

  test('lenient escapes and named groups of Python are read', () => {
    expect(compileRegex('\\-\\@').smallest()).toBe('-@')
    expect(compileRegex('(?P<year>20)-(?P=year)').smallest()).toBe('20-20')
  })

  test('no text is ever half a surrogate pair', () => {
    const random = seededRandom('pairs')
    for (let i = 0; i < 200; i++) expect(compileRegex('[^a]{1,3}').generate(random).isWellFormed()).toBe(true)
  })
})

describe('conditions on one text', () => {
  test.each(PATTERNS)('contains a match of %s, within lengths', source => {
    const random = seededRandom(source)
    const texts = new TextConditions().containing(source).generator(14, 18)
    const search = new RegExp(source, 'u')
    for (let i = 0; i < 20; i++) {
      const text = texts.generate(random)
      expect(text).toMatch(search)
      expect([...text].length).toBeGreaterThanOrEqual(14)
      expect([...text].length).toBeLessThanOrEqual(18)
    }
  })

  test('several patterns and a forbidden one hold at once', () => {
    const random = seededRandom('and')
    const texts = new TextConditions().containing('^[a-f]+$').containing('cafe').containing('bb', true).generator(6, 10)
    for (let i = 0; i < 50; i++) expect(texts.generate(random)).toMatch(/^(?!.*bb)(?=.*cafe)[a-f]{6,10}$/)
  })

  test('matching agrees with JavaScript', () => {
    const patterns = PATTERNS.filter(source => !source.includes('\\1') && !source.includes('\\k'))
    const text = fc.oneof(fc.string({ unit: fc.constantFrom(...'abcdfox01- ,./"AZ') }), fc.string())
    fc.assert(
      fc.property(fc.constantFrom(...patterns), text, (source, candidate) => {
        expect(new TextConditions().containing(source).test(candidate)).toBe(new RegExp(source, 'u').test(candidate))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('what cannot be had', () => {
  test.each([
    ['(', /Unterminated group/],
    ['(?<=a)b', /look-behind \(\?<=a\) is not supported/],
    ['x^y', /no text of an allowed length matches/],
    ['[]', /no text of an allowed length matches/],
    ['(a{1000}){1000}', /more than 4096 characters/],
    ['('.repeat(9000) + ')'.repeat(9000), /nested too deeply/],
    ['a'.repeat(20_001), /more than 20000 characters/],
    ['(?=.*(a|b)*a(a|b){20}).*x', /steps of work/],
  ])(
    '%.40s',
    (source, message) => {
      expect(() => compileRegex(source)).toThrow(message)
    },
    2000,
  )

  test('lengths that no match has', () => {
    expect(() => new TextConditions().containing('^(ab)*$').generator(3, 3)).toThrow(/no text of an allowed length/)
    expect(() => new TextConditions().containing('^a').containing('^b').generator()).toThrow(/no text/)
    expect(() => new TextConditions().containing('(a)\\1', true)).toThrow(/not supported/)
  })
})

test('patterns that make backtracking engines hang cost nothing', () => {
  const text = compileRegex('(a+)+b').smallest()
  expect(text).toBe('ab')
  expect(new TextConditions().containing('^(a+)+$').test(`${'a'.repeat(5000)}b`)).toBe(false)
  expect(new TextConditions().containing('^(a|a)*$').generator(500).smallest()).toBe('a'.repeat(500))
}, 2000)
