import { seededRandom } from '@vllm-sim/latency'
import { describe, expect, test } from 'vitest'
import { SchemaError } from '../errors.ts'
import { compileSchema } from './schema.ts'

const nested = (levels: number, wrap: (inner: unknown) => unknown, start: unknown = { type: 'integer' }): unknown => {
  let schema = start
  for (let i = 0; i < levels; i++) schema = wrap(schema)
  return schema
}
const numbered = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('hostile schemas are answered quickly', () => {
  const range = numbered(40)
  const doubled = (keyword: string) => ({
    $defs: Object.fromEntries([
      ...range.map(i => [`a${i}`, { [keyword]: [{ $ref: `#/$defs/a${i + 1}` }, { $ref: `#/$defs/a${i + 1}` }] }]),
      ['a40', { type: 'integer', minimum: 5, maximum: 4 }],
    ]),
    $ref: '#/$defs/a0',
  })

  test.each<[string, () => unknown]>([
    ['50,000 required levels', () => nested(50_000, a => ({ type: 'object', properties: { a }, required: ['a'] }))],
    ['50,000 levels of arrays', () => nested(50_000, items => ({ type: 'array', items, minItems: 1 }))],
    ['50,000 levels of allOf', () => nested(50_000, inner => ({ allOf: [inner] }))],
    ['50,000 levels of not', () => nested(50_000, not => ({ not }))],
    ['allOf that doubles', () => doubled('allOf')],
    ['anyOf that doubles', () => doubled('anyOf')],
    [
      'a puzzle without solution',
      () => ({
        type: 'object',
        maxProperties: 24,
        allOf: numbered(25).map(i => ({
          anyOf: [1, 2].map(value => ({ properties: { [`p${i}`]: { const: value } }, required: [`p${i}`] })),
        })),
      }),
    ],
    ['an enum of the wrong type', () => ({ enum: numbered(300_000), type: 'string' })],
    ['200 patterns at once', () => ({ type: 'string', allOf: numbered(200).map(i => ({ pattern: `x${i}` })) })],
  ])(
    '%s',
    (_, make) => {
      expect(() => compileSchema(make())).toThrow(SchemaError)
    },
    3000,
  )

  test.each<[string, () => unknown]>([
    ['50,000 optional levels', () => nested(50_000, a => ({ type: 'object', properties: { a } }))],
    ['100,000 values in an enum', () => ({ enum: numbered(100_000) })],
    [
      'a puzzle with many solutions',
      () => ({
        type: 'object',
        allOf: numbered(30).map(i => ({
          anyOf: [{ required: [`p${i}`] }, { not: { required: [`p${(i + 1) % 30}`] } }],
        })),
      }),
    ],
    [
      '30 conditions',
      () => ({
        type: 'object',
        allOf: numbered(30).map(i => ({
          if: { required: [`k${i}`] },
          else: { properties: { z: { type: 'integer' } } },
        })),
      }),
    ],
    ['999 required members', () => ({ type: 'object', required: numbered(999).map(i => `p${i}`) })],
    [
      '20,000 members',
      () => ({
        type: 'object',
        properties: Object.fromEntries(numbered(20_000).map(i => [`p${i}`, { type: 'string' }])),
      }),
    ],
    ['900 different integers', () => ({ type: 'array', items: { type: 'integer' }, minItems: 900, uniqueItems: true })],
    ['a pattern that explodes', () => ({ type: 'string', pattern: '^(a+)+$', minLength: 300 })],
    ['limits of a billion', () => ({ type: 'array', items: { type: 'string', maxLength: 1e9 }, maxItems: 1e9 })],
    [
      'huge numbers',
      () => ({
        type: 'array',
        prefixItems: [
          { type: 'integer', minimum: 1e300 },
          { type: 'number', minimum: 1e308, maximum: 1.7e308 },
          { type: 'number', multipleOf: 1e-300 },
        ],
        minItems: 3,
        items: false,
      }),
    ],
  ])(
    '%s can be had',
    (_, make) => {
      const generator = compileSchema(make())
      const text = JSON.stringify(generator.generate(seededRandom(1)))
      expect(text).not.toContain('null')
      expect(text.length).toBeLessThan(200_000)
    },
    4000,
  )
})
