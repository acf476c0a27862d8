import { seededRandom } from '@vllm-sim/latency'
import { describe, expect, test } from 'vitest'
import { SchemaError } from '../errors.ts'
import { compileSchema } from './schema.ts'
import { WORDS } from './strings.ts'

const many = (schema: unknown, options = {}, count = 200): unknown[] => {
  const random = seededRandom('schema', count)
  const generator = compileSchema(schema, options)
  return Array.from({ length: count }, () => generator.generate(random))
}
const nested = (levels: number, wrap: (inner: unknown) => unknown, start: unknown = { type: 'integer' }): unknown => {
  let schema = start
  for (let i = 0; i < levels; i++) schema = wrap(schema)
  return schema
}
const errorOf = (schema: unknown): SchemaError => {
  try {
    compileSchema(schema)
  } catch (error) {
    if (error instanceof SchemaError) return error
    throw error
  }
  throw new Error('the schema was accepted')
}

describe('what the schema leaves open follows the options', () => {
  test('strings are the ten words', () => {
    expect(new Set(many({ type: 'string' }))).toEqual(new Set(WORDS))
  })

  test('integers and numbers are in their ranges, and a limit of the schema wins', () => {
    const integers = many({ type: 'integer' }) as number[]
    expect(integers.every(value => Number.isInteger(value) && value >= 0 && value <= 100)).toBe(true)
    expect(new Set(many({ type: 'integer' }, { integers: { min: 7, max: 9 } }))).toEqual(new Set([7, 8, 9]))
    const numbers = many({ type: 'number' }, { numbers: { min: -1, max: 1 } }) as number[]
    expect(numbers.every(value => value >= -1 && value <= 1)).toBe(true)
    expect(numbers.some(value => !Number.isInteger(value))).toBe(true)
    expect((many({ type: 'integer', minimum: 500 }) as number[]).every(value => value >= 500 && value <= 600)).toBe(
      true,
    )
    expect((many({ type: 'integer', maximum: -5 }) as number[]).every(value => value <= -5 && value >= -105)).toBe(true)
    expect(Math.max(...(many({ type: 'integer', minimum: 0, maximum: 5000 }) as number[]))).toBeGreaterThan(1000)
  })

  test('arrays have one to five elements, minItems above that raises the maximum', () => {
    const lengths = (schema: object) =>
      new Set((many({ type: 'array', items: {}, ...schema }) as unknown[][]).map(list => list.length))
    expect(lengths({})).toEqual(new Set([1, 2, 3, 4, 5]))
    expect(lengths({ minItems: 10 })).toEqual(new Set([10]))
    expect(lengths({ maxItems: 0 })).toEqual(new Set([0]))
    expect(lengths({ minItems: 2, maxItems: 3 })).toEqual(new Set([2, 3]))
  })

  test('optional members come with the probabilities of their level', () => {
    const inner = { type: 'object', properties: { deep: { type: 'string' } } }
    const schema = { type: 'object', properties: { inner, other: { type: 'string' } }, required: ['inner'] }
    const both = (values: unknown[]) => ({
      other: values.filter(value => Object.hasOwn(value as object, 'other')).length,
      deep: values.filter(value => Object.hasOwn((value as { inner: object }).inner, 'deep')).length,
    })
    expect(both(many(schema, { optionalParameterPercent: 0, optionalFieldPercent: 100 }))).toEqual({
      other: 0,
      deep: 200,
    })
    expect(both(many(schema, { optionalParameterPercent: 100, optionalFieldPercent: 0 }))).toEqual({
      other: 200,
      deep: 0,
    })
    const usual = both(many(schema))
    expect(usual.other).toBeGreaterThan(60)
    expect(usual.other).toBeLessThan(140)
  })

  test('members are in the order of the schema', () => {
    const properties = { zulu: {}, alpha: {}, mike: {} }
    expect(Object.keys(many({ properties, required: ['mike', 'alpha', 'zulu'] })[0] as object)).toEqual([
      'zulu',
      'alpha',
      'mike',
    ])
  })
})

describe('small instances', () => {
  const person = {
    type: 'object',
    properties: {
      name: { type: 'string' },
      tags: { type: 'array', items: { type: 'string' } },
      note: { type: 'string' },
    },
    required: ['name', 'tags'],
  }

  test('compact ones have only what is required', () => {
    for (const value of many(person, { compact: true })) expect(Object.keys(value as object)).toEqual(['name', 'tags'])
  })

  test.each([
    [person, '{"name":"","tags":[]}'],
    [{ type: ['string', 'integer', 'object'] }, '0'],
    [{ enum: ['longest', 'no', 'yes'] }, '"no"'],
    [{ type: 'integer', minimum: 3 }, '5'],
    [{ anyOf: [{ type: 'string', minLength: 9 }, { type: 'null' }, { type: 'array', items: {} }] }, '[]'],
    [{ type: 'string', pattern: '^(abc)+$' }, '"abc"'],
    [{ type: 'array', items: { type: 'boolean' }, minItems: 2 }, '[true,true]'],
  ])('smallest of %j', (schema, text) => {
    expect(JSON.stringify(compileSchema(schema).smallest(seededRandom(1)))).toBe(text)
  })
})

describe('references', () => {
  test('lists and trees that contain themselves stay small', () => {
    const list = {
      type: 'object',
      properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
      required: ['next'],
    }
    for (const value of many(list)) expect(JSON.stringify(value).length).toBeLessThan(300)
  })

  test('anchors, ids and pointers with escapes', () => {
    const schema = {
      $id: 'https://example.com/root.json',
      $defs: {
        'a/b~c': { const: 1 },
        anchored: { $anchor: 'here', const: 2 },
        other: { $id: 'other.json', $defs: { x: { const: 3 } }, $ref: '#/$defs/x' },
      },
      properties: {
        a: { $ref: '#/$defs/a~1b~0c' },
        b: { $ref: '#here' },
        c: { $ref: 'other.json' },
        d: { $ref: 'https://example.com/other.json#/$defs/x' },
      },
      required: ['a', 'b', 'c', 'd'],
    }
    expect(many(schema, {}, 1)).toEqual([{ a: 1, b: 2, c: 3, d: 3 }])
  })

  test('a required member may be called __proto__ or constructor', () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"const":1},"constructor":{"const":2}},"required":["__proto__","constructor"]}',
    )
    expect(JSON.stringify(many(schema, {}, 1)[0])).toBe('{"__proto__":1,"constructor":2}')
  })
})

test("a client's own values are believed to have their format", () => {
  expect(many({ enum: ['2024-02-29'], format: 'date' }, {}, 1)).toEqual(['2024-02-29'])
})

describe('what is refused, and why', () => {
  test.each<[string, unknown, RegExp, string]>([
    [
      'contradicting lengths',
      { type: 'array', items: {}, minItems: 3, maxItems: 2 },
      /^minItems \(3\) is greater than maxItems\(2\)$/,
      '',
    ],
    [
      'contradicting types',
      { type: 'object', properties: { a: { type: 'string', allOf: [{ type: 'number' }] } }, required: ['a'] },
      /no value is both string and number/,
      '/properties/a/allOf/0',
    ],
    ['an empty range', { type: 'integer', minimum: 5, maximum: 4 }, /no number is at least 5 and at most 4/, ''],
    ['no multiple', { type: 'integer', minimum: 1, maximum: 4, multipleOf: 5 }, /multiple of multipleOf/, ''],
    [
      'a required member that must not be',
      { type: 'object', properties: { a: false }, required: ['a'] },
      /allows no value/,
      '',
    ],
    [
      'a schema that requires itself',
      { properties: { n: { $ref: '#' } }, required: ['n'], type: 'object' },
      /requires itself without end/,
      '/properties/n',
    ],
    ['a schema that is itself', { $ref: '#' }, /refers to itself without end/, ''],
    ['too many values', { type: 'array', items: {}, minItems: 1001 }, /more than 1000 values/, ''],
    [
      'too many values by nesting',
      nested(10, items => ({ type: 'array', items, minItems: 10 })),
      /more than 1000 values/,
      '',
    ],
    [
      'too many booleans',
      { type: 'array', items: { type: 'boolean' }, uniqueItems: true, minItems: 3 },
      /no instance was found/,
      '',
    ],
    [
      'another document',
      { $ref: 'http://json-schema.org/draft-07/schema#' },
      /is not in this document, and others are not fetched/,
      '',
    ],
    [
      'nowhere',
      { properties: { a: { $ref: '#/$defs/a' } }, required: ['a'] },
      /does not lead to a schema/,
      '/properties/a',
    ],
    ['a long string', { type: 'string', minLength: 1e9 }, /more than 100000 characters/, ''],
    ['a bad pattern', { type: 'string', pattern: '(' }, /Unterminated group/, ''],
    ['a bad type', { items: { type: 'foo' } }, /type must be one of/, '/items/type'],
    ['a bad required', { required: 'x' }, /required must be a list of strings/, '/required'],
    ['no schema', 'x', /must be an object or a boolean/, ''],
    ['false', false, /allows no value/, ''],
  ])('%s', (_, schema, message, pointer) => {
    const error = errorOf(schema)
    expect(error.message).toMatch(message)
    expect(error.pointer).toBe(pointer)
  })
})
