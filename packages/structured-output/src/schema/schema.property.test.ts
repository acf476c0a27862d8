import { seededRandom } from '@vllm-sim/latency'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countValues } from '../json.ts'
import { compileSchema } from './schema.ts'

// Schemas that can be satisfied, over all keywords that the generator promises.

type Json = Record<string, unknown>

const few = fc.integer({ min: 0, max: 6 })
const text = fc.constantFrom('a', 'Zeile', 'two words', 'naïve', '日本', '😀', '', 'quote"\\', '0')
const scalar = fc.oneof(text, fc.integer({ min: -9, max: 9 }), fc.constantFrom(0.5, -2.25, true, false, null))
const anything = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(fc.constantFrom('k', 'l'), scalar))

const PATTERNS = [
  '^[a-z]{2,5}$',
  'foo|bar',
  '^\\d{3}-\\d{4}$',
  '[A-Z][a-z]+',
  '^(?=.*[A-Z])(?=.*\\d).{6,}$',
  '\\bword\\b',
  '^[\\w.+-]+@[\\w-]+\\.[a-z]{2,}$',
  '^(?!x)[a-z]*$',
  '\\p{Lu}\\p{L}*',
  '^(a|b)*c?$',
  '^[^\\s]+$',
  '^#?([0-9a-f]{6}|[0-9a-f]{3})$',
  '^\\$[0-9]{1,3}(,[0-9]{3})*(\\.[0-9]{2})?$',
  '(["\'])\\w+\\1',
]
const FORMATS = [
  'date',
  'time',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uuid',
  'uri',
  'uri-reference',
  'uri-template',
  'json-pointer',
  'relative-json-pointer',
  'regex',
  'byte',
  'unknown-format',
]

const string: fc.Arbitrary<Json> = fc.oneof(
  fc.record({ minLength: few, extra: few }).map(({ minLength, extra }) => ({
    type: 'string',
    minLength,
    maxLength: minLength + extra,
  })),
  fc.constantFrom(...PATTERNS).map(pattern => ({ type: 'string', pattern })),
  fc
    .constantFrom(...PATTERNS)
    .map(pattern => ({ type: 'string', pattern, minLength: 6, maxLength: 40 }))
    .filter(({ pattern }) => !['^[a-z]{2,5}$', '^#?([0-9a-f]{6}|[0-9a-f]{3})$'].includes(pattern)),
  fc.constantFrom(...FORMATS).map(format => ({ type: 'string', format })),
  fc.constantFrom('email', 'uri', 'hostname').map(format => ({ type: 'string', format, minLength: 20, maxLength: 30 })),
  fc.constantFrom({ type: 'string' }, { type: 'string', maxLength: 1e9 }, { format: 'email', pattern: '@corp\\.' }),
)

const number: fc.Arbitrary<Json> = fc
  .record({
    type: fc.constantFrom('integer', 'number'),
    low: fc.integer({ min: -1000, max: 1000 }),
    width: fc.integer({ min: 12, max: 400 }),
    bounds: fc.constantFrom('none', 'min', 'max', 'both', 'exclusive'),
    multipleOf: fc.constantFrom(undefined, 1, 5, 0.5, 0.01, 0.1, 3, 2.5),
  })
  .map(({ type, low, width, bounds, multipleOf }) => ({
    type,
    ...(bounds === 'min' || bounds === 'both' ? { minimum: low } : {}),
    ...(bounds === 'max' || bounds === 'both' ? { maximum: low + width } : {}),
    ...(bounds === 'exclusive' ? { exclusiveMinimum: low, exclusiveMaximum: low + width } : {}),
    ...(multipleOf === undefined ? {} : { multipleOf }),
  }))

const fixed: fc.Arbitrary<Json> = fc.oneof(
  fc
    .uniqueArray(anything, { minLength: 1, maxLength: 5, selector: value => JSON.stringify(value) })
    .map(list => ({ enum: list })),
  anything.map(value => ({ const: value })),
)

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: string },
  { weight: 4, arbitrary: number },
  { weight: 2, arbitrary: fixed },
  { weight: 1, arbitrary: fc.constantFrom({ type: 'boolean' }, { type: 'null' }, {}, true, { description: 'any' }) },
  { weight: 1, arbitrary: fc.constant({ $ref: '#/$defs/leaf' }) },
  { weight: 1, arbitrary: fc.constantFrom({ type: ['string', 'null'] }, { type: 'integer', nullable: true }) },
  { weight: 1, arbitrary: fc.constant({ not: { type: ['string', 'object'] } }) },
)

const names = fc.uniqueArray(fc.constantFrom('id', 'name', 'x-y', 'größe', 'length', 'type', '10', '9', 'a/b~c'), {
  minLength: 1,
  maxLength: 5,
})

function compound(inner: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const object = fc
    .record({
      names,
      schemas: fc.array(inner, { minLength: 5, maxLength: 5 }),
      required: few,
      additional: fc.constantFrom(undefined, false, true, { type: 'string' }),
      more: fc.constantFrom<Json>(
        {},
        {},
        { minProperties: 1 },
        { maxProperties: 5 },
        { dependentRequired: { id: ['name'] } },
      ),
    })
    .map(({ names: list, schemas, required, additional, more }) => {
      const properties: Json = Object.create(null)
      for (const [index, name] of list.entries()) properties[name] = schemas[index]
      return {
        type: 'object',
        properties,
        required: list.slice(0, required),
        ...(additional === undefined ? {} : { additionalProperties: additional }),
        ...(list.includes('name') || !('dependentRequired' in more) ? more : {}),
      }
    })
  const array = fc
    .record({ items: inner, prefix: fc.array(inner, { maxLength: 2 }), min: few, extra: few, unbounded: fc.boolean() })
    .map(({ items, prefix, min, extra, unbounded }) => ({
      type: 'array',
      items,
      ...(prefix.length > 0 ? { prefixItems: prefix } : {}),
      minItems: min,
      ...(unbounded ? {} : { maxItems: min + extra }),
    }))
  const map = fc.constantFrom<Json>(
    {
      type: 'object',
      patternProperties: { '^x-': { type: 'integer' } },
      additionalProperties: false,
      minProperties: 2,
    },
    {
      type: 'object',
      propertyNames: { pattern: '^[a-z]{3}$' },
      minProperties: 3,
      additionalProperties: { type: 'boolean' },
    },
    { type: 'object', minProperties: 2, maxProperties: 2 },
    { type: 'array', items: { enum: [1, 2, 3, 'x'] }, uniqueItems: true, minItems: 3 },
    { type: 'array', items: { type: 'integer', minimum: 0, maximum: 4 }, uniqueItems: true, minItems: 5 },
    { type: 'array', items: { type: 'string' }, uniqueItems: true, minItems: 15 },
    { type: 'array', contains: { const: 7 }, items: { type: 'integer' } },
    { type: 'array', contains: { type: 'string' }, minContains: 2, maxContains: 3, maxItems: 9 },
  )
  const branches = fc.array(inner, { minLength: 1, maxLength: 4 })
  const tagged = fc.array(inner, { minLength: 2, maxLength: 3 }).map(list => ({
    oneOf: list.map((schema, index) => ({
      type: 'object',
      properties: { kind: { const: `k${index}` }, value: schema },
      required: ['kind'],
    })),
  }))
  return fc.oneof(
    { weight: 5, arbitrary: object },
    { weight: 3, arbitrary: array },
    { weight: 2, arbitrary: map },
    { weight: 2, arbitrary: branches.map(anyOf => ({ anyOf })) },
    { weight: 2, arbitrary: tagged },
    {
      weight: 1,
      arbitrary: object
        .map(schema => ({ allOf: [schema, { type: 'object', required: ['added'] }], additionalProperties: undefined }))
        .map(withoutUndefined)
        .filter(canAdd),
    },
    {
      weight: 1,
      arbitrary: inner.map(schema => ({ if: { type: 'string' }, ...then({ minLength: 2 }), else: schema })),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Json>(
        {
          type: 'object',
          properties: { a: { type: 'integer' }, b: { type: 'integer' } },
          oneOf: [{ required: ['a'] }, { required: ['b'] }],
        },
        {
          type: 'object',
          properties: { mode: { enum: ['x', 'y'] }, n: { type: 'integer' } },
          required: ['mode'],
          if: { properties: { mode: { const: 'x' } } },
          ...then({ required: ['n'] }),
          else: { not: { required: ['n'] } },
        },
        {
          oneOf: [
            { type: 'integer', multipleOf: 3 },
            { type: 'integer', multipleOf: 5 },
          ],
        },
        { oneOf: [{ type: 'number' }, { type: 'integer' }] },
        { type: 'integer', minimum: 0, maximum: 5, not: { enum: [0, 1, 2, 3, 4] } },
        { type: 'string', not: { pattern: 'e' } },
        { $ref: '#/$defs/tree' },
        { allOf: [{ type: 'string', pattern: '^[a-f]+$' }, { pattern: 'cafe' }, { maxLength: 12 }] },
        {
          allOf: [
            { properties: { p: { minimum: 5 } } },
            { properties: { p: { type: 'integer', maximum: 9 } }, required: ['p'] },
          ],
          type: 'object',
        },
      ),
    },
  )
}

function withoutUndefined(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined))
}

function canAdd(schema: Json): boolean {
  const first = (schema['allOf'] as Json[])[0]!
  return first['additionalProperties'] !== false && first['maxProperties'] === undefined
}

/** What the schemas above refer to. */
const DEFINITIONS = {
  leaf: { type: 'string', enum: ['leaf', 'blade'] },
  tree: {
    type: 'object',
    properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/tree' } } },
    required: ['name', 'children'],
    additionalProperties: false,
  },
}

const nested = fc.letrec(tie => ({
  schema: fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, compound(tie('schema'))),
}))

/** Whole documents: objects as tools have them, and any other schema. */
const randomSchemas: fc.Arbitrary<unknown> = fc.oneof(
  compound(nested.schema).map(schema => ({ $defs: DEFINITIONS, ...(schema as Json) })),
  nested.schema.map(schema => ({ $defs: DEFINITIONS, allOf: [schema] })),
)

const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true, logger: false, ownProperties: true })
addFormats.default(ajv)

test('instances of random schemas are valid, all of them, usual, small and smallest', () => {
  fc.assert(
    fc.property(randomSchemas.map(asSent), fc.integer(), (schema, seed) => {
      const validate = ajv.compile(schema as object)
      const random = seededRandom(seed)
      const usual = compileSchema(schema)
      const compact = compileSchema(schema, { compact: true })
      const instances = [
        usual.generate(random),
        usual.generate(random),
        compact.generate(random),
        compact.smallest(random),
      ]
      for (const instance of instances) {
        const sent = JSON.parse(JSON.stringify(instance))
        expect(validate(sent) || JSON.stringify([sent, validate.errors?.[0]])).toBe(true)
        expect(countValues(sent)).toBeLessThanOrEqual(1000)
      }
    }),
    { numRuns: process.env['FULL'] ? 1500 : 300 },
  )
})

/** What arrives over the wire: plain objects. */
function asSent(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** The keyword `then`, spelled so that nothing takes the schema for a promise. */
function then(schema: Json): Json {
  return Object.fromEntries([['then', schema]])
}
