import fc from 'fast-check'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Patterns of the kinds that people write in tool schemas. */
const patterns = ['^[A-Z]{2}\\d{4}$', '^\\w+@\\w+\\.(com|org)$', '^(\\+\\d{1,3} )?\\d{3,8}$', 'a|b', '^[^0-9]{1,5}$']

const string: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.constant({ type: 'string' }),
  fc
    .tuple(fc.nat(12), fc.nat(20))
    .map(([least, more]) => ({ type: 'string', minLength: least, maxLength: least + more })),
  fc.constantFrom(...patterns).map(pattern => ({ type: 'string', pattern })),
)

const number: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.constant({ type: 'integer' }),
  fc.constant({ type: 'number' }),
  fc
    .tuple(fc.integer({ min: -1000, max: 1000 }), fc.nat(500))
    .map(([minimum, more]) => ({ type: 'integer', minimum, maximum: minimum + more })),
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 9 }))
    .map(([low, width]) => ({ type: 'number', exclusiveMinimum: low, exclusiveMaximum: low + width })),
  fc
    .tuple(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 0, max: 200 }))
    .map(([step, minimum]) => ({ type: 'integer', multipleOf: step, minimum, maximum: minimum + step })),
)

const fixed: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1 }).map(values => ({ enum: values })),
  fc.jsonValue({ maxDepth: 1 }).map(value => ({ const: value })),
  fc.constant({ type: 'boolean' }),
  fc.constant({ type: 'null' }),
  fc.constant({ type: ['string', 'null'] }),
  fc.constant({ type: 'integer', nullable: true }),
  fc.constant({ $ref: '#/$defs/shared' }),
)

const names = fc.oneof(
  fc.constantFrom('city', 'name', 'id', 'when', 'list', '$id', 'größe', 'a b', 'x/y'),
  fc.string({ minLength: 1, maxLength: 8 }).filter(name => name !== '__proto__'),
)

const { value } = fc.letrec<{ value: JsonSchema; object: JsonSchema }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    string,
    number,
    fixed,
    tie('object'),
    fc
      .tuple(tie('value'), fc.nat(3), fc.nat(3))
      .map(([items, least, more]) => ({ type: 'array', items, minItems: least, maxItems: least + more })),
    fc.array(tie('value'), { minLength: 1, maxLength: 3 }).map(branches => ({ anyOf: branches })),
    fc.tuple(string, number).map(([a, b]) => ({ oneOf: [a, b] })),
    tie('object').map(one => ({ allOf: [one, { type: 'object' }] })),
  ),
  object: fc
    .tuple(fc.dictionary(names, tie('value'), { maxKeys: 4 }), fc.boolean(), fc.nat(15))
    .map(([properties, closed, mask]) => ({
      type: 'object',
      properties,
      required: Object.keys(properties).filter((_, at) => (mask >> at) & 1),
      ...(closed ? { additionalProperties: false } : undefined),
    })),
}))

/** Schemas of objects that can be fulfilled, with nearly all that people write in them. */
export const objectSchemas: fc.Arbitrary<JsonSchema> = fc
  .dictionary(names, value, { minKeys: 1, maxKeys: 5 })
  .map(properties => ({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $defs: { shared: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } },
    type: 'object',
    properties,
    required: Object.keys(properties).filter((_, at) => at % 2 === 0),
  }))
