import { seededRandom } from '@vllm-sim/latency'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SchemaError } from '../errors.ts'
import { compileSchema } from './schema.ts'

type Json = Record<string, unknown>

const count = fc.integer({ min: 0, max: 4 })
const number = fc.oneof(fc.integer({ min: -5, max: 30 }), fc.constantFrom(0.5, 2.75, -1.5))
const value = fc.oneof(
  number,
  fc.constantFrom('a', 'abc', 'x-1', 'Hello', true, false, null, [], [1, 'a'], {}, { a: 1 }, { b: 'abc' }),
)
const name = fc.constantFrom('a', 'b', 'c', 'x-1')
const type = fc.constantFrom('string', 'integer', 'number', 'boolean', 'null', 'array', 'object')

/** Any keywords beside each other, whether they make sense together or not. */
const soup = fc.letrec<{ schema: unknown }>(tie => {
  const one = tie('schema')
  const some = fc.array(one, { minLength: 1, maxLength: 3 })
  const named = fc.dictionary(name, one, { maxKeys: 3, noNullPrototype: true })
  return {
    schema: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'soup' },
      {
        weight: 1,
        arbitrary: fc.constantFrom<unknown>(true, {}, { $ref: '#/$defs/d' }, { type: 'string' }, { type: 'integer' }),
      },
      {
        weight: 6,
        arbitrary: fc
          .record(
            {
              type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })),
              enum: fc.uniqueArray(value, { minLength: 1, maxLength: 4, selector: one => JSON.stringify(one) }),
              const: value,
              minimum: number,
              maximum: number,
              exclusiveMinimum: number,
              exclusiveMaximum: number,
              multipleOf: fc.constantFrom(1, 2, 3, 0.5, 0.25, 7),
              minLength: count,
              maxLength: count,
              pattern: fc.constantFrom('^a', 'b$', '[0-9]', '^x-', '^.{2}$', 'l+o?'),
              format: fc.constantFrom('date', 'ipv4', 'email', 'uuid', 'json-pointer', 'uri-reference'),
              minItems: count,
              maxItems: count,
              uniqueItems: fc.boolean(),
              items: one,
              prefixItems: some,
              // Not just any schema: for one that allows everything Ajv does not count.
              contains: fc.constantFrom<Json>({ type: 'integer' }, { const: 'a' }, { minLength: 2 }),
              minContains: count,
              maxContains: count,
              properties: named,
              required: fc.uniqueArray(name, { maxLength: 2 }),
              patternProperties: named.map(map =>
                Object.fromEntries(Object.entries(map).map(([key, inner]) => [`^${key}`, inner])),
              ),
              additionalProperties: one,
              propertyNames: fc.constantFrom<Json>({ pattern: '^[a-c]' }, { maxLength: 2 }, { enum: ['a', 'x-1'] }),
              minProperties: count,
              maxProperties: count,
              dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), {
                maxKeys: 2,
                noNullPrototype: true,
              }),
              dependentSchemas: named,
              anyOf: some,
              oneOf: some,
              allOf: some,
              not: one,
              if: one,
              else: one,
            },
            { requiredKeys: [], noNullPrototype: true },
          )
          .chain(all =>
            fc
              .subarray(Object.keys(all), { maxLength: Math.min(4, Object.keys(all).length) })
              .map(keys => Object.fromEntries(keys.map(key => [key, (all as Json)[key]]))),
          ),
      },
    ),
  }
})

const definitions = {
  d: { anyOf: [{ type: 'string' }, { type: 'object', properties: { a: { $ref: '#/$defs/d' } }, maxProperties: 2 }] },
}

/** As draft-07 would say it. */
function older(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(older)
  if (typeof schema !== 'object' || schema === null) return schema
  const {
    prefixItems,
    dependentSchemas,
    dependentRequired,
    minContains,
    maxContains,
    unevaluatedProperties,
    items,
    ...rest
  } = schema as Json
  const dependencies = { ...(dependentRequired as Json), ...(dependentSchemas as Json) }
  return Object.fromEntries(
    Object.entries({
      ...rest,
      ...(prefixItems
        ? { items: prefixItems, ...(items === undefined ? {} : { additionalItems: items }) }
        : items === undefined
          ? {}
          : { items }),
      ...(Object.keys(dependencies).length > 0 ? { dependencies } : {}),
    }).map(([key, inner]) => [key, key === 'enum' || key === 'const' ? inner : older(inner)]),
  )
}

const runs = process.env['FULL'] ? 400 : 80

test.each([
  ['2020-12', new Ajv2020({ strict: false, logger: false }), (schema: unknown) => schema],
  ['draft-07', new Ajv({ strict: false, logger: false }), older],
] as const)('whatever is accepted of random keywords is fulfilled (%s), and most is accepted', (_, ajv, written) => {
  addFormats.default(ajv as Ajv)
  let accepted = 0
  fc.assert(
    fc.property(
      soup.schema.map(schema => JSON.parse(JSON.stringify(schema))),
      fc.integer(),
      (schema, seed) => {
        const document = written({
          $defs: definitions,
          ...(typeof schema === 'object' ? schema : { allOf: [schema] }),
        })
        let generator: ReturnType<typeof compileSchema>
        try {
          generator = compileSchema(document)
        } catch (error) {
          expect(error).toBeInstanceOf(SchemaError)
          return
        }
        accepted++
        const validate = ajv.compile(document as object)
        const random = seededRandom(seed)
        for (const instance of [generator.generate(random), generator.generate(random), generator.smallest(random)]) {
          expect(validate(instance) || JSON.stringify([instance, validate.errors?.[0]])).toBe(true)
        }
      },
    ),
    // A fixed seed, since Ajv has faults of its own on rare schemas; no shrinking, since that takes minutes here.
    { numRuns: runs, seed: 20_071, endOnFailure: true },
  )
  expect(accepted).toBeGreaterThan(runs * 0.6)
})
