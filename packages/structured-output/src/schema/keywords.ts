import { type Budget, SchemaError } from '../errors.ts'
import { isObject, type JsonObject } from '../json.ts'

type Kind = 'schema' | 'schemas' | 'named' | 'items' | 'dependencies'

/** Keywords that hold schemas, and how. */
const SUBSCHEMAS: Readonly<Record<string, Kind>> = {
  additionalItems: 'schema',
  additionalProperties: 'schema',
  allOf: 'schemas',
  anyOf: 'schemas',
  contains: 'schema',
  definitions: 'named',
  $defs: 'named',
  dependencies: 'dependencies',
  dependentSchemas: 'named',
  else: 'schema',
  if: 'schema',
  items: 'items',
  not: 'schema',
  oneOf: 'schemas',
  patternProperties: 'named',
  prefixItems: 'schemas',
  properties: 'named',
  propertyNames: 'schema',
  // biome-ignore lint/suspicious/noThenProperty: it is the keyword's name, and nobody awaits this table
  then: 'schema',
  unevaluatedItems: 'schema',
  unevaluatedProperties: 'schema',
}

const TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const

type Check = readonly [holds: (value: unknown) => boolean, wanted: string]
const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isStrings = (value: unknown) => Array.isArray(value) && value.every(item => typeof item === 'string')
const isType = (value: unknown) => (TYPES as readonly unknown[]).includes(value)
const COUNT: Check = [isCount, 'an integer that is not negative']
const NUMBER: Check = [isNumber, 'a number']
const STRING: Check = [value => typeof value === 'string', 'a string']
const LIMIT: Check = [value => isNumber(value) || typeof value === 'boolean', 'a number']
const BOOLEAN: Check = [value => typeof value === 'boolean', 'a boolean']

/** What the meta-schemas (draft-04 to 2020-12) demand of other keywords' values. */
const VALUES: Readonly<Record<string, Check>> = {
  type: [
    value =>
      isType(value) ||
      (Array.isArray(value) && value.length > 0 && value.every(isType) && new Set(value).size === value.length),
    `one of ${TYPES.join(', ')}, or a list of different ones`,
  ],
  enum: [value => Array.isArray(value) && value.length > 0, 'a list with at least one value'],
  minimum: NUMBER,
  maximum: NUMBER,
  // Booleans in draft-04 and in the reference.
  exclusiveMinimum: LIMIT,
  exclusiveMaximum: LIMIT,
  multipleOf: [value => isNumber(value) && (value as number) > 0, 'a number above 0'],
  minLength: COUNT,
  maxLength: COUNT,
  minItems: COUNT,
  maxItems: COUNT,
  minContains: COUNT,
  maxContains: COUNT,
  minProperties: COUNT,
  maxProperties: COUNT,
  uniqueItems: BOOLEAN,
  nullable: BOOLEAN,
  pattern: STRING,
  format: STRING,
  title: STRING,
  description: STRING,
  $comment: STRING,
  $ref: STRING,
  $dynamicRef: STRING,
  $recursiveRef: STRING,
  $id: STRING,
  $anchor: STRING,
  $dynamicAnchor: STRING,
  $schema: STRING,
  required: [isStrings, 'a list of strings'],
  dependentRequired: [
    value => isObject(value) && Object.values(value).every(isStrings),
    'an object of lists of strings',
  ],
}

/** Steps for each keyword that is looked at, and for each schema. */
const WALK_STEPS = 1 / 4

/**
 * Checks that a schema is well formed, as its meta-schema does: every keyword has a value of the right kind. Unknown
 * keywords and annotations pass. Walks with a list of its own, so depth does not matter; takes time in proportion to
 * the schema's size.
 * @param budget pays for the walk
 * @throws SchemaError at the first keyword that is wrong, with its JSON pointer.
 */
export function checkKeywords(schema: unknown, pointer = '', budget?: Budget): void {
  const open: [unknown, Path][] = [[schema, { name: pointer }]]
  while (open.length > 0) {
    const [node, path] = open.pop()!
    if (typeof node === 'boolean') continue
    if (!isObject(node)) throw wrong(path, 'a schema must be an object or a boolean')
    const keywords = Object.keys(node)
    budget?.spend((1 + keywords.length) * WALK_STEPS)
    for (const keyword of keywords) {
      const value = node[keyword]
      const at: Path = { name: keyword, parent: path }
      const check = Object.hasOwn(VALUES, keyword) ? VALUES[keyword]! : undefined
      if (check && !check[0](value)) throw wrong(at, `${keyword} must be ${check[1]}`)
      const kind = Object.hasOwn(SUBSCHEMAS, keyword) ? SUBSCHEMAS[keyword]! : undefined
      if (kind) children(kind, keyword, value, at, open)
    }
  }
}

/** A path that is only spelled out when something is wrong. */
interface Path {
  readonly name: string
  readonly parent?: Path
}

function children(kind: Kind, keyword: string, value: unknown, at: Path, open: [unknown, Path][]): void {
  if (kind === 'schema' || (kind === 'items' && !Array.isArray(value))) open.push([value, at])
  else if (kind === 'schemas' || kind === 'items') {
    if (!Array.isArray(value) || (value.length === 0 && kind === 'schemas')) {
      throw wrong(at, `${keyword} must be a list with at least one schema`)
    }
    for (const [index, item] of value.entries()) open.push([item, { name: `${index}`, parent: at }])
  } else {
    if (!isObject(value)) throw wrong(at, `${keyword} must be an object of schemas`)
    for (const name of Object.keys(value)) {
      if (kind === 'dependencies' && isStrings(value[name])) continue
      open.push([value[name], { name, parent: at }])
    }
  }
}

function wrong(path: Path, message: string): SchemaError {
  const names: string[] = []
  for (let at: Path | undefined = path; at; at = at.parent) names.push(at.parent ? escapeToken(at.name) : at.name)
  const pointer = names.reverse().join('/')
  return new SchemaError(message, pointer.length > 300 ? `${pointer.slice(0, 150)}…${pointer.slice(-150)}` : pointer)
}

/** A name as a reference token of a JSON pointer (RFC 6901). */
export function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** The schemas directly inside a schema, for walks through a document. */
export function subschemas(schema: JsonObject): unknown[] {
  const found: unknown[] = []
  for (const keyword of Object.keys(schema)) {
    if (!Object.hasOwn(SUBSCHEMAS, keyword)) continue
    const value = schema[keyword]
    if (Array.isArray(value)) found.push(...value)
    else if (isObject(value) && SUBSCHEMAS[keyword] !== 'schema' && SUBSCHEMAS[keyword] !== 'items')
      found.push(...Object.values(value))
    else found.push(value)
  }
  return found
}
