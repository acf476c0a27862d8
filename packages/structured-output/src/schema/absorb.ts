import type { Budget } from '../errors.ts'
import { isObject, type JsonObject, keyOf, own } from '../json.ts'
import { EXTRA, type Extra, type Schema, type SchemaDocument } from './document.ts'
import { violations } from './negate.ts'
import { nextDown, nextUp } from './numbers.ts'
import { ALL_TYPES, anyShape, INTEGER, NULL, type Shape, typeBits, typeNames, typeOf } from './shape.ts'

/** Keywords that say something about members, and about elements. */
const ABOUT_MEMBERS = ['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties']
const ABOUT_ELEMENTS = ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems']
/** Keywords that the shape does not express: their values have to be checked. */
const CHECKED = [
  'oneOf',
  'contains',
  'if',
  'not',
  'unevaluatedProperties',
  'unevaluatedItems',
  'dependentSchemas',
  'dependencies',
]

const INT32_MAX = 2147483647

/** Joins schemas that have to hold at once into one shape. Choices whose keys are in `decided` are left out. */
export function absorb(
  document: SchemaDocument,
  budget: Budget,
  schemas: readonly Schema[],
  decided: ReadonlySet<string>,
): Shape {
  const shape = anyShape()
  const joining = new Joining(document, budget, shape, decided)
  for (const schema of schemas) joining.add(schema, undefined)
  joining.finish()
  return shape
}

class Joining {
  readonly #document: SchemaDocument
  readonly #budget: Budget
  readonly #shape: Shape
  readonly #decided: ReadonlySet<string>
  readonly #done = new Set<JsonObject>()
  readonly #within = new Set<JsonObject>()

  constructor(document: SchemaDocument, budget: Budget, shape: Shape, decided: ReadonlySet<string>) {
    this.#document = document
    this.#budget = budget
    this.#shape = shape
    this.#decided = decided
  }

  add(schema: Schema, from: JsonObject | undefined): void {
    if (schema === true || this.#shape.never) return
    if (schema === false) {
      this.#never('the schema false allows no value', from)
      return
    }
    this.#budget.spend(2)
    if (this.#within.has(schema)) {
      this.#never('the schema refers to itself without end', schema)
      return
    }
    if (this.#done.has(schema)) return
    this.#within.add(schema)
    this.#shape.at ??= schema
    this.#own(schema)
    this.#applicators(schema)
    this.#within.delete(schema)
    this.#done.add(schema)
  }

  #addNew<T>(list: T[], value: T | undefined): void {
    if (value === undefined) return
    this.#budget.spend(list.length / 16)
    if (!list.includes(value)) list.push(value)
  }

  #never(reason: string, at: JsonObject | undefined): void {
    this.#shape.never ??= { reason, at }
  }

  /** Keywords of the schema itself. */
  #own(schema: JsonObject): void {
    const shape = this.#shape
    const number = (name: string) => own(schema, name) as number | undefined
    const type = own(schema, 'type')
    if (type !== undefined) {
      const before = shape.types
      const bits = typeBits(type) | (own(schema, 'nullable') === true ? NULL : 0)
      shape.types &= bits
      if (shape.types === 0 && before !== 0) {
        this.#never(`no value is both ${typeNames(before)} and ${typeNames(bits)}`, schema)
      }
    }
    if (Object.hasOwn(schema, 'const')) this.#only([schema['const']], schema)
    if (Object.hasOwn(schema, 'enum')) this.#only(schema['enum'] as unknown[], schema)
    this.#numbers(schema)
    shape.minLength = Math.max(shape.minLength, number('minLength') ?? 0)
    shape.maxLength = Math.min(shape.maxLength, number('maxLength') ?? shape.maxLength)
    shape.minItems = Math.max(shape.minItems, number('minItems') ?? 0)
    shape.maxItems = Math.min(shape.maxItems, number('maxItems') ?? shape.maxItems)
    shape.minProperties = Math.max(shape.minProperties, number('minProperties') ?? 0)
    shape.maxProperties = Math.min(shape.maxProperties, number('maxProperties') ?? shape.maxProperties)
    this.#addNew(shape.patterns, own(schema, 'pattern') as string | undefined)
    this.#addNew(shape.formats, own(schema, 'format') as string | undefined)
    shape.unique ||= own(schema, 'uniqueItems') === true
    if (ABOUT_ELEMENTS.some(name => Object.hasOwn(schema, name))) shape.arrays.push(schema)
    if (ABOUT_MEMBERS.some(name => Object.hasOwn(schema, name))) shape.objects.push(schema)
    if (CHECKED.some(name => Object.hasOwn(schema, name))) shape.checked = true
    if (Object.hasOwn(schema, 'contains')) {
      const min = number('minContains') ?? 1
      shape.contains.push({ schema: this.#document.at(schema, 'contains'), min })
      shape.minItems = Math.max(shape.minItems, min)
    }
    if (Object.hasOwn(schema, 'propertyNames')) shape.names.push(this.#document.at(schema, 'propertyNames'))
    const required = (own(schema, 'required') as string[] | undefined) ?? []
    this.#budget.spend(required.length / 8)
    for (const name of required) shape.required.add(name)
    this.#extra((schema as { [EXTRA]?: Extra })[EXTRA])
  }

  #extra(extra: Extra | undefined): void {
    if (!extra) return
    const shape = this.#shape
    for (const value of extra.exclude ?? []) shape.excluded.add(keyOf(value, this.#budget))
    for (const name of extra.forbid ?? []) shape.forbidden.add(name)
    for (const pattern of extra.notPatterns ?? []) this.#addNew(shape.notPatterns, pattern)
    if (extra.fraction) shape.types &= ~INTEGER
  }

  #only(values: readonly unknown[], at: JsonObject): void {
    const shape = this.#shape
    const key = (value: unknown) => keyOf(value, this.#budget)
    const before = shape.values && new Set(shape.values.map(key))
    shape.values = before ? values.filter(value => before.has(key(value))) : values
    if (shape.values.length === 0)
      this.#never('the enum and const of the schemas that are joined here have no value in common', at)
  }

  #numbers(schema: JsonObject): void {
    const shape = this.#shape
    const raise = (value: number, exclusive: boolean) => {
      shape.minimum = Math.max(shape.minimum, exclusive ? nextUp(value) : value)
    }
    const lower = (value: number, exclusive: boolean) => {
      shape.maximum = Math.min(shape.maximum, exclusive ? nextDown(value) : value)
    }
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema
    if (typeof minimum === 'number') raise(minimum, own(schema, 'exclusiveMinimum') === true)
    if (typeof maximum === 'number') lower(maximum, own(schema, 'exclusiveMaximum') === true)
    if (typeof exclusiveMinimum === 'number') raise(exclusiveMinimum, true)
    if (typeof exclusiveMaximum === 'number') lower(exclusiveMaximum, true)
    if (typeof multipleOf === 'number') this.#addNew(shape.multiples, multipleOf)
    if (format === 'int32' || format === 'int64') this.#addNew(shape.multiples, 1)
  }

  /** Keywords that hold further schemas for the same value. */
  #applicators(schema: JsonObject): void {
    const document = this.#document
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
      const reference = own(schema, keyword)
      if (typeof reference === 'string') this.add(document.resolve(schema, reference), schema)
    }
    const options = (keyword: string) => document.list(schema, keyword)
    if (Object.hasOwn(schema, 'allOf')) for (const part of options('allOf')) this.add(part, schema)
    for (const keyword of ['anyOf', 'oneOf']) {
      if (Object.hasOwn(schema, keyword)) this.#choose(`${document.id(schema)} ${keyword}`, options(keyword), schema)
    }
    if (Object.hasOwn(schema, 'if')) this.#conditional(schema)
    if (Object.hasOwn(schema, 'not')) {
      const key = 'not'
      const whole = document.derive(schema, key, () => ({
        anyOf: placed(document, schema, violations(document, document.at(schema, 'not'))),
      })) as JsonObject
      const ways = whole['anyOf'] as Schema[]
      if (ways.length === 0) this.#never('not excludes every value', schema)
      else this.#choose(`${document.id(schema)} not`, ways, schema)
    }
    this.#dependencies(schema)
  }

  #choose(key: string, options: readonly Schema[], at: JsonObject): void {
    if (options.length === 1) this.add(options[0]!, at)
    else if (!this.#decided.has(key)) this.#shape.choices.push({ key, options })
  }

  #conditional(schema: JsonObject): void {
    const document = this.#document
    const part = (name: string): Schema => (Object.hasOwn(schema, name) ? document.at(schema, name) : true)
    const [met, unmet] = [part('then'), part('else')]
    if (met === true && unmet === true) return
    const holds = document.derive(schema, 'then', () => ({ allOf: [document.at(schema, 'if'), met] }))
    const fails = document.derive(schema, 'else', () => ({ allOf: [{ not: document.at(schema, 'if') }, unmet] }))
    this.#choose(`${document.id(schema)} if`, [holds, fails], schema)
  }

  #dependencies(schema: JsonObject): void {
    const document = this.#document
    for (const keyword of ['dependentRequired', 'dependentSchemas', 'dependencies']) {
      const map = own(schema, keyword) as JsonObject | undefined
      for (const name of Object.keys(map ?? {})) {
        const value = map![name]
        if (Array.isArray(value)) {
          const known = this.#shape.dependents.get(name) ?? new Set()
          this.#budget.spend(1 + value.length / 8)
          for (const needed of value) known.add(needed)
          this.#shape.dependents.set(name, known)
        } else {
          const without = document.derive(
            schema,
            `without ${name}`,
            () => ({ [EXTRA]: { forbid: [name] } }) as JsonObject,
          )
          const present = document.derive(schema, `with ${name}`, () => ({
            required: [name],
            allOf: [document.at(schema, keyword, name)],
          }))
          this.#choose(`${document.id(schema)} ${keyword} ${name}`, [without, present], schema)
        }
      }
    }
  }

  /** Contradictions that show without looking at values. */
  finish(): void {
    const shape = this.#shape
    if (shape.never) return
    if (shape.formats.includes('int32')) {
      // A limit that is not the schema's own number: it must not move the usual range of generated integers.
      if (shape.maximum !== Number.POSITIVE_INFINITY || shape.minimum > INT32_MAX)
        shape.maximum = Math.min(shape.maximum, INT32_MAX)
      if (shape.minimum !== Number.NEGATIVE_INFINITY || shape.maximum < -INT32_MAX)
        shape.minimum = Math.max(shape.minimum, -INT32_MAX - 1)
    }
    if (!shape.values) return
    const { types, excluded, values } = shape
    this.#budget.spend(values.length / 32)
    if (types !== ALL_TYPES) shape.values = values.filter(value => types & typeOf(value))
    if (excluded.size > 0) shape.values = shape.values.filter(value => !excluded.has(keyOf(value, this.#budget)))
    if (shape.values.length === 0) this.#never('no value of enum or const has the type that is asked for', shape.at)
  }
}

/** Gives schemas that were made here the place of the schema they come from. */
function placed(document: SchemaDocument, parent: JsonObject, schemas: Schema[]): Schema[] {
  return schemas.map((schema, index) =>
    isObject(schema) ? document.derive(parent, `way ${index}`, () => schema) : schema,
  )
}
