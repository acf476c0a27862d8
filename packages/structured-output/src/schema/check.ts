import type { Budget } from '../errors.ts'
import { CHARACTERS_PER_STEP, codePoints, isObject, type JsonObject, keyOf, own } from '../json.ts'
import { TextConditions } from '../regex/regex.ts'
import { EXTRA, type Extra, type Schema, type SchemaDocument } from './document.ts'
import { FORMATS, LOOSE_FORMATS } from './formats.ts'
import { isMultiple } from './numbers.ts'
import { typeBits, typeOf } from './shape.ts'

/** Members and elements that some keyword has looked at, for the `unevaluated…` keywords. */
interface Seen {
  readonly names: Set<string>
  items: number
}

/**
 * Validates values against schemas of one document. It is the judge over what is generated where construction alone
 * does not suffice (`oneOf`, `not`, `contains`, …), and follows 2020-12 with the forms of earlier drafts. Patterns
 * are matched by derivatives, never by backtracking.
 */
export class Checker {
  readonly #document: SchemaDocument
  readonly #budget: Budget
  readonly #conditions = new Map<string, TextConditions>()
  /** Keys of the values in enum, const and what derived schemas exclude, by the list or the schema that has them. */
  readonly #known = new Map<object, Set<unknown>>()
  readonly #keys = new WeakMap<object, unknown>()
  readonly #lengths = new Map<string, number>()
  /** Strings of the client's that count as what their formats say. */
  readonly #trusted = new Set<string>()

  constructor(document: SchemaDocument, budget: Budget) {
    this.#document = document
    this.#budget = budget
  }

  /** Whether the value fulfils the schema. */
  valid(schema: Schema, value: unknown): boolean {
    return this.#check(schema, value, undefined)
  }

  /**
   * Those of a client's own values that fulfil the schemas. Formats are known here only by the part that is generated,
   * so when nothing else remains, a value that is outside of that part but looks like it is believed to have its format.
   */
  filter(schemas: readonly Schema[], values: readonly unknown[]): unknown[] {
    const fulfils = (value: unknown) => schemas.every(schema => this.valid(schema, value))
    const strict = values.filter(fulfils)
    if (strict.length > 0) return strict
    for (const value of values) this.#trust(value)
    return values.filter(fulfils)
  }

  #trust(value: unknown): void {
    if (typeof value === 'string') this.#trusted.add(value)
    else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) this.#trust(inner)
  }

  /** Whether a text contains a match of the pattern. */
  matches(pattern: string, text: string): boolean {
    let conditions = this.#conditions.get(pattern)
    if (!conditions) this.#conditions.set(pattern, (conditions = new TextConditions(this.#budget).containing(pattern)))
    this.#budget.spend(1 + (text.length >> 3))
    return conditions.test(text)
  }

  #check(schema: Schema, value: unknown, seen: Seen | undefined): boolean {
    if (typeof schema === 'boolean') return schema
    this.#budget.spend()
    const bits = typeOf(value)
    const type = own(schema, 'type')
    if (type !== undefined && !(typeBits(type) & bits) && !(value === null && own(schema, 'nullable') === true))
      return false
    if (!this.#fixed(schema, value)) return false
    if (typeof value === 'number' && !validNumber(schema, value)) return false
    if (typeof value === 'string' && !this.#string(schema, value)) return false
    const outer = own(schema, 'unevaluatedProperties') !== undefined || own(schema, 'unevaluatedItems') !== undefined
    const mine = outer ? { names: new Set<string>(), items: 0 } : seen
    if (!this.#applicators(schema, value, mine)) return false
    if (Array.isArray(value) && !this.#array(schema, value, mine)) return false
    if (isObject(value) && !this.#object(schema, value, mine)) return false
    if (outer && !this.#unevaluated(schema, value, mine!)) return false
    if (outer && seen) join(seen, mine!)
    return true
  }

  /** enum, const, and what derived schemas exclude. */
  #fixed(schema: JsonObject, value: unknown): boolean {
    if (Object.hasOwn(schema, 'const') && !this.#among(schema, [schema['const']], value)) return false
    if (Object.hasOwn(schema, 'enum')) {
      const values = schema['enum'] as unknown[]
      if (!this.#among(values, values, value)) return false
    }
    const extra = (schema as { [EXTRA]?: Extra })[EXTRA]
    if (!extra) return true
    if (extra.exclude && this.#among(extra.exclude, extra.exclude, value)) return false
    if (isObject(value) && extra.forbid?.some(name => Object.hasOwn(value, name))) return false
    if (typeof value === 'string' && extra.notPatterns?.some(pattern => this.matches(pattern, value))) return false
    return !(extra.fraction && Number.isInteger(value))
  }

  /** @param owner what the keys of the values are remembered by */
  #among(owner: object, values: readonly unknown[], value: unknown): boolean {
    let known = this.#known.get(owner)
    if (!known) this.#known.set(owner, (known = new Set(values.map(one => this.#key(one)))))
    return known.has(this.#key(value))
  }

  /** A key that is made once for each object. */
  #key(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    let key = this.#keys.get(value)
    if (key === undefined) this.#keys.set(value, (key = keyOf(value, this.#budget)))
    return key
  }

  /** Code points. Long strings are counted once, however often they occur. */
  #length(text: string): number {
    if (text.length < 1000) return codePoints(text)
    let length = this.#lengths.get(text)
    if (length === undefined) {
      this.#budget.spend(text.length / CHARACTERS_PER_STEP)
      // A few long strings occur again and again; those that occur once need no memory.
      if (this.#lengths.size >= 64) this.#lengths.clear()
      this.#lengths.set(text, (length = codePoints(text)))
    }
    return length
  }

  #string(schema: JsonObject, value: string): boolean {
    const { minLength, maxLength, pattern, format } = schema as Record<string, never>
    if (minLength !== undefined && this.#length(value) < minLength) return false
    if (maxLength !== undefined && this.#length(value) > maxLength) return false
    if (pattern !== undefined && !this.matches(pattern, value)) return false
    const form = typeof format === 'string' ? own(FORMATS, format) : undefined
    return form === undefined || this.#inFormat(format!, value)
  }

  #inFormat(format: string, value: string): boolean {
    const { plain, wide } = FORMATS[format]!
    const loose = this.#trusted.has(value) ? (own(LOOSE_FORMATS, format) as string | undefined) : undefined
    if (loose === undefined) return this.#whole(`(?:${plain})|(?:${wide})`, value)
    return this.#whole(loose, value)
  }

  #whole(source: string, value: string): boolean {
    const key = ` ${source}`
    let conditions = this.#conditions.get(key)
    if (!conditions) this.#conditions.set(key, (conditions = new TextConditions(this.#budget).matching(source)))
    return conditions.test(value)
  }

  #applicators(schema: JsonObject, value: unknown, seen: Seen | undefined): boolean {
    const document = this.#document
    const valid = (keyword: string, ...path: (string | number)[]) =>
      this.#check(document.at(schema, keyword, ...path), value, seen)
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
      const reference = own(schema, keyword)
      if (typeof reference === 'string' && !this.#check(document.resolve(schema, reference), value, seen)) return false
    }
    const list = (keyword: string) => (own(schema, keyword) as Schema[] | undefined) ?? []
    if (!list('allOf').every((_, index) => valid('allOf', index))) return false
    const any = list('anyOf')
    // With `seen` every branch counts, so none is skipped.
    if (
      any.length > 0 &&
      !(seen ? any.filter((_, index) => valid('anyOf', index)).length : any.some((_, index) => valid('anyOf', index)))
    )
      return false
    const one = list('oneOf')
    if (one.length > 0) {
      let count = 0
      for (let index = 0; index < one.length && count < 2; index++) if (valid('oneOf', index)) count++
      if (count !== 1) return false
    }
    if (Object.hasOwn(schema, 'not') && this.#check(document.at(schema, 'not'), value, undefined)) return false
    if (Object.hasOwn(schema, 'if')) {
      const branch = valid('if') ? 'then' : 'else'
      if (Object.hasOwn(schema, branch) && !valid(branch)) return false
    }
    return true
  }

  #array(schema: JsonObject, value: readonly unknown[], seen: Seen | undefined): boolean {
    const { minItems, maxItems, uniqueItems, contains, minContains, maxContains } = schema as Record<string, never>
    if (minItems !== undefined && value.length < minItems) return false
    if (maxItems !== undefined && value.length > maxItems) return false
    if (uniqueItems && new Set(value.map(item => this.#key(item))).size < value.length) return false
    const list = Array.isArray(schema['items']) ? 'items' : 'prefixItems'
    const leading = (own(schema, list) as Schema[] | undefined)?.length ?? 0
    const rest = list === 'items' ? 'additionalItems' : 'items'
    const hasRest = Object.hasOwn(schema, rest)
    for (const [index, item] of value.entries()) {
      if (index < leading) {
        if (!this.#check(this.#document.at(schema, list, index), item, undefined)) return false
      } else if (hasRest && !this.#check(this.#document.at(schema, rest), item, undefined)) return false
    }
    if (seen) seen.items = Math.max(seen.items, hasRest ? value.length : Math.min(leading, value.length))
    if (contains === undefined) return true
    const count = value.filter(item => this.#check(this.#document.at(schema, 'contains'), item, undefined)).length
    return count >= (minContains ?? 1) && count <= (maxContains ?? count)
  }

  #object(schema: JsonObject, value: JsonObject, seen: Seen | undefined): boolean {
    const names = Object.keys(value)
    this.#budget.spend(names.length / 8)
    const { minProperties, maxProperties, required, propertyNames } = schema as Record<string, never>
    if (minProperties !== undefined && names.length < minProperties) return false
    if (maxProperties !== undefined && names.length > maxProperties) return false
    if (required !== undefined) {
      this.#budget.spend((required as string[]).length / 8)
      if (!(required as string[]).every(name => Object.hasOwn(value, name))) return false
    }
    const properties = own(schema, 'properties') as JsonObject | undefined
    const patterns = Object.keys((own(schema, 'patternProperties') as JsonObject | undefined) ?? {})
    const hasAdditional = Object.hasOwn(schema, 'additionalProperties')
    for (const name of names) {
      if (propertyNames !== undefined && !this.#check(this.#document.at(schema, 'propertyNames'), name, undefined))
        return false
      const where: (readonly string[])[] = patterns
        .filter(pattern => this.matches(pattern, name))
        .map(pattern => ['patternProperties', pattern])
      if (properties && Object.hasOwn(properties, name)) where.push(['properties', name])
      if (where.length === 0 && hasAdditional) where.push(['additionalProperties'])
      if (!where.every(path => this.#check(this.#document.at(schema, ...path), value[name], undefined))) return false
      if (where.length > 0) seen?.names.add(name)
    }
    return this.#dependencies(schema, value, seen)
  }

  #dependencies(schema: JsonObject, value: JsonObject, seen: Seen | undefined): boolean {
    for (const keyword of ['dependentRequired', 'dependentSchemas', 'dependencies']) {
      const map = own(schema, keyword) as JsonObject | undefined
      for (const name of Object.keys(map ?? {})) {
        this.#budget.spend(1 / 8)
        if (!Object.hasOwn(value, name)) continue
        const needed = map![name]
        if (Array.isArray(needed)) {
          this.#budget.spend(needed.length / 8)
          if (!needed.every(other => Object.hasOwn(value, other))) return false
        } else if (!this.#check(this.#document.at(schema, keyword, name), value, seen)) return false
      }
    }
    return true
  }

  #unevaluated(schema: JsonObject, value: unknown, seen: Seen): boolean {
    const check = (keyword: string, item: unknown) => this.#check(this.#document.at(schema, keyword), item, undefined)
    if (isObject(value) && Object.hasOwn(schema, 'unevaluatedProperties')) {
      for (const name of Object.keys(value)) {
        if (!seen.names.has(name) && !check('unevaluatedProperties', value[name])) return false
        seen.names.add(name)
      }
    }
    if (Array.isArray(value) && Object.hasOwn(schema, 'unevaluatedItems')) {
      if (!value.slice(seen.items).every(item => check('unevaluatedItems', item))) return false
      seen.items = value.length
    }
    return true
  }
}

function validNumber(schema: JsonObject, value: number): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema as Record<string, never>
  if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum)) return false
  if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum)) return false
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) return false
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) return false
  if ((format === 'int32' || format === 'int64') && !Number.isInteger(value)) return false
  if (format === 'int32' && Math.abs(value) > 2147483648) return false
  return multipleOf === undefined || isMultiple(value, multipleOf)
}

function join(outer: Seen, inner: Seen): void {
  for (const name of inner.names) outer.names.add(name)
  outer.items = Math.max(outer.items, inner.items)
}
