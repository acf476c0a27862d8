import { type JsonObject, own } from '../json.ts'
import { EXTRA, type Schema, type SchemaDocument } from './document.ts'
import { ALL_TYPES, FRACTION, INTEGER, typeBits } from './shape.ts'

const TYPE_LISTS: readonly (readonly [number, string])[] = [
  [1, 'null'],
  [2, 'boolean'],
  [16, 'string'],
  [32, 'array'],
  [64, 'object'],
]

/**
 * Ways to violate a schema: a value violates it exactly if it fulfils one of these schemas. Where a keyword's opposite
 * cannot be written down, the option says only which type it takes, and the value has to be checked.
 */
export function violations(document: SchemaDocument, schema: Schema): Schema[] {
  if (typeof schema === 'boolean') return [!schema]
  const options: Schema[] = []
  for (const keyword of Object.keys(schema)) {
    const opposites = Object.hasOwn(OPPOSITES, keyword) ? OPPOSITES[keyword]!(schema, schema[keyword], document) : []
    options.push(...opposites)
  }
  return options
}

type Opposite = (schema: JsonObject, value: unknown, document: SchemaDocument) => Schema[]

const not = (document: SchemaDocument, parent: JsonObject, ...path: (string | number)[]): Schema => ({
  not: document.at(parent, ...path),
})
const list = (value: unknown): unknown[] => value as unknown[]
const extra = (type: string, conditions: object): Schema => ({ type, [EXTRA]: conditions }) as JsonObject
/** Some value of the type does it; which one is found by trying. */
const somehow =
  (type: string): Opposite =>
  () => [{ type }]
const anyhow: Opposite = () => [true]

const OPPOSITES: Readonly<Record<string, Opposite>> = {
  type: (schema, value) => {
    let bits = typeBits(value)
    if (own(schema, 'nullable') === true) bits |= 1
    const left = ALL_TYPES & ~bits
    const options: Schema[] = TYPE_LISTS.filter(([bit]) => left & bit).map(([, type]) => ({ type }))
    if (left & INTEGER && left & FRACTION) options.push({ type: 'number' })
    else if (left & FRACTION) options.push(extra('number', { fraction: true }))
    return options.length > 0 ? options : [false]
  },
  const: (_, value) => [{ [EXTRA]: { exclude: [value] } } as JsonObject],
  enum: (_, value) => [{ [EXTRA]: { exclude: list(value) } } as JsonObject],
  minimum: (_, value) => [{ type: 'number', exclusiveMaximum: value }],
  maximum: (_, value) => [{ type: 'number', exclusiveMinimum: value }],
  exclusiveMinimum: (_, value) =>
    typeof value === 'number' ? [{ type: 'number', maximum: value }] : [{ type: 'number' }],
  exclusiveMaximum: (_, value) =>
    typeof value === 'number' ? [{ type: 'number', minimum: value }] : [{ type: 'number' }],
  multipleOf: somehow('number'),
  minLength: (_, value) => below('string', 'maxLength', value),
  maxLength: (_, value) => above('string', 'minLength', value),
  pattern: (_, value) => [extra('string', { notPatterns: [value as string] })],
  format: somehow('string'),
  minItems: (_, value) => below('array', 'maxItems', value),
  maxItems: (_, value) => above('array', 'minItems', value),
  uniqueItems: (_, value) => (value === true ? [{ type: 'array', minItems: 2 }] : []),
  contains: somehow('array'),
  items: (schema, value, document) =>
    Array.isArray(value) || Object.hasOwn(schema, 'prefixItems')
      ? [{ type: 'array', minItems: 1 }]
      : [{ type: 'array', minItems: 1, contains: not(document, schema, 'items') }],
  prefixItems: () => [{ type: 'array', minItems: 1 }],
  minProperties: (_, value) => below('object', 'maxProperties', value),
  maxProperties: (_, value) => above('object', 'minProperties', value),
  required: (_, value) => list(value).map(name => extra('object', { forbid: [name as string] })),
  properties: (schema, value, document) =>
    Object.keys(value as JsonObject).map(name => {
      const properties: JsonObject = Object.create(null)
      properties[name] = not(document, schema, 'properties', name)
      return { type: 'object', required: [name], properties }
    }),
  patternProperties: somehow('object'),
  additionalProperties: somehow('object'),
  unevaluatedProperties: somehow('object'),
  propertyNames: somehow('object'),
  dependencies: somehow('object'),
  dependentRequired: somehow('object'),
  dependentSchemas: somehow('object'),
  allOf: (schema, value, document) => list(value).map((_, index) => not(document, schema, 'allOf', index)),
  anyOf: (schema, value, document) => [{ allOf: list(value).map((_, index) => not(document, schema, 'anyOf', index)) }],
  oneOf: anyhow,
  not: (schema, _, document) => [document.at(schema, 'not')],
  if: anyhow,
  $ref: (schema, value, document) => [{ not: document.resolve(schema, value as string) }],
}

function below(type: string, keyword: string, value: unknown): Schema[] {
  return (value as number) > 0 ? [{ type, [keyword]: (value as number) - 1 }] : []
}

function above(type: string, keyword: string, value: unknown): Schema[] {
  return [{ type, [keyword]: (value as number) + 1 }]
}
