import type { Budget } from '../errors.ts'
import { isObject, type JsonObject, keyOf, own } from '../json.ts'
import { absorb } from './absorb.ts'
import { Checker } from './check.ts'
import type { Schema, SchemaDocument } from './document.ts'
import { NumberDomain } from './numbers.ts'
import { FRACTION, INTEGER, type Shape } from './shape.ts'
import { StringDomain } from './strings.ts'

/** Schemas that have to hold at once, with what follows from them. One node for each set of schemas. */
export interface SchemaNode {
  readonly id: number
  readonly schemas: readonly Schema[]
  readonly decided: ReadonlySet<string>
  readonly shape: Shape
  readonly numbers: NumberDomain
  readonly strings: StringDomain
  /** The nodes that decide the first open choice; undefined when none is open. */
  options: readonly SchemaNode[] | undefined
  /** With enum or const: the values that fulfil everything. */
  values: readonly unknown[] | undefined
  readonly members: Map<string, SchemaNode>
  readonly elements: SchemaNode[]
  /** Declared names and their places, when they were asked for. */
  declared: ReadonlyMap<string, number> | undefined
  /** Of `values` the one with the shortest JSON, when it was asked for. */
  shortest: { readonly value: unknown } | undefined
  /** Least number of values, and of characters of JSON, of an instance; set when it was measured. */
  size: number | undefined
  chars: number
}

/** Beside enum and const these say nothing that the shape does not know already. */
const PLAIN = new Set(['enum', 'const', 'type', 'nullable', 'title', 'description', 'default', 'examples', '$comment'])

const NOTHING: ReadonlySet<string> = new Set()

/** The nodes of one document, made when they are asked for. */
export class SchemaGraph {
  readonly document: SchemaDocument
  readonly budget: Budget
  readonly checker: Checker
  readonly #nodes = new Map<string, SchemaNode>()
  readonly #names = new Map<string, JsonObject>()

  constructor(document: SchemaDocument, budget: Budget) {
    this.document = document
    this.budget = budget
    this.checker = new Checker(document, budget)
  }

  /** The node of schemas that have to hold at once. */
  node(schemas: readonly Schema[], decided: ReadonlySet<string> = NOTHING): SchemaNode {
    const ids: string[] = []
    for (const schema of schemas) {
      if (schema === true) continue
      ids.push(schema === false ? 'false' : `${this.document.id(schema)}`)
    }
    this.budget.spend(1 + 2 * (ids.length + decided.size))
    const key = `${[...new Set(ids)].sort().join()}|${[...decided].sort().join(';')}`
    let node = this.#nodes.get(key)
    if (!node) {
      this.budget.spend(25)
      const shape = absorb(this.document, this.budget, schemas, decided)
      const integer = (shape.types & (INTEGER | FRACTION)) === INTEGER
      node = {
        id: this.#nodes.size,
        schemas,
        decided,
        shape,
        numbers: new NumberDomain({ ...shape, integer }),
        strings: new StringDomain(shape, this.budget),
        options: undefined,
        values: undefined,
        members: new Map(),
        elements: [],
        declared: undefined,
        shortest: undefined,
        size: undefined,
        chars: Number.POSITIVE_INFINITY,
      }
      this.#nodes.set(key, node)
    }
    return node
  }

  /** Fills in `options` or `values` of a node. */
  open(node: SchemaNode): void {
    const { shape } = node
    if (shape.never) return
    if (shape.values && !node.values) {
      // A finite set: the choices need not be made, only checked.
      const plain = node.schemas.length === 1 && Object.keys(node.schemas[0]!).every(keyword => PLAIN.has(keyword))
      node.values = plain ? shape.values : this.checker.filter(node.schemas, shape.values)
    } else if (!shape.values && shape.choices.length > 0 && !node.options) {
      const choice = shape.choices[0]!
      const decided = new Set(node.decided).add(choice.key)
      node.options = choice.options.map(option => this.node([...node.schemas, option], decided))
    }
  }

  /** Whether a value fulfils every schema of the node. */
  valid(node: SchemaNode, value: unknown): boolean {
    const { excluded } = node.shape
    if (excluded.size > 0 && excluded.has(keyOf(value, this.budget))) return false
    return node.schemas.every(schema => this.checker.valid(schema, value))
  }

  /** The node of the member with this name. */
  member(node: SchemaNode, name: string): SchemaNode {
    let member = node.members.get(name)
    if (!member) {
      const { objects } = node.shape
      this.budget.spend(1 + objects.length)
      const schemas = objects.flatMap(schema => this.#memberSchemas(schema, name))
      if (schemas.length === 0) {
        for (const schema of objects) {
          if (Object.hasOwn(schema, 'unevaluatedProperties'))
            schemas.push(this.document.at(schema, 'unevaluatedProperties'))
        }
      }
      member = this.node(schemas)
      node.members.set(name, member)
    }
    return member
  }

  /** What one schema says about a member (2020-12 core, 10.3.2). */
  #memberSchemas(schema: JsonObject, name: string): Schema[] {
    const found: Schema[] = []
    const properties = own(schema, 'properties')
    if (isObject(properties) && Object.hasOwn(properties, name))
      found.push(this.document.at(schema, 'properties', name))
    for (const pattern of Object.keys((own(schema, 'patternProperties') as JsonObject | undefined) ?? {})) {
      if (this.checker.matches(pattern, name)) found.push(this.document.at(schema, 'patternProperties', pattern))
    }
    if (found.length === 0 && Object.hasOwn(schema, 'additionalProperties')) {
      found.push(this.document.at(schema, 'additionalProperties'))
    }
    return found
  }

  /** The node of the element at this place; from the longest list of leading elements on it is always the same. */
  element(node: SchemaNode, index: number): SchemaNode {
    const at = Math.min(index, this.leading(node))
    let element = node.elements[at]
    if (!element) {
      element = this.node(node.shape.arrays.flatMap(schema => this.#elementSchemas(schema, at)))
      node.elements[at] = element
    }
    return element
  }

  /** How many elements have a schema of their own. */
  leading(node: SchemaNode): number {
    return Math.max(0, ...node.shape.arrays.map(schema => leadingSchemas(schema)?.list.length ?? 0))
  }

  /** What one schema says about an element (2020-12 core, 10.3.1; earlier drafts' `items` list as well). */
  #elementSchemas(schema: JsonObject, index: number): Schema[] {
    const leading = leadingSchemas(schema)
    if (leading && index < leading.list.length) return [this.document.at(schema, leading.keyword, index)]
    const rest = leading?.keyword === 'items' ? 'additionalItems' : 'items'
    if (Object.hasOwn(schema, rest)) return [this.document.at(schema, rest)]
    return Object.hasOwn(schema, 'unevaluatedItems') ? [this.document.at(schema, 'unevaluatedItems')] : []
  }

  /** The node of names that fulfil the schemas for names and contain a match of the pattern. */
  named(schemas: readonly Schema[], pattern?: string): SchemaNode {
    const key = pattern ?? ''
    let text = this.#names.get(key)
    if (!text) this.#names.set(key, (text = pattern === undefined ? { type: 'string' } : { type: 'string', pattern }))
    return this.node([...schemas, text])
  }

  /** Names that schemas declare, in the order of the documents, without those that no value may have. */
  declared(node: SchemaNode): ReadonlyMap<string, number> {
    if (node.declared) return node.declared
    const names = new Map<string, number>()
    const add = (name: string) => names.has(name) || names.set(name, names.size)
    for (const schema of node.shape.objects) {
      Object.keys((own(schema, 'properties') as JsonObject | undefined) ?? {}).forEach(add)
    }
    node.shape.required.forEach(add)
    this.budget.spend(names.size / 4)
    node.declared = names
    return names
  }

  /** Whether a member of this name may be there at all; its value is another question. */
  mayBeNamed(node: SchemaNode, name: string): boolean {
    return !node.shape.forbidden.has(name) && node.shape.names.every(schema => this.checker.valid(schema, name))
  }
}

/** Schemas for leading elements, under either of their keywords. */
function leadingSchemas(schema: JsonObject): { keyword: 'prefixItems' | 'items'; list: unknown[] } | undefined {
  const prefix = own(schema, 'prefixItems')
  if (Array.isArray(prefix)) return { keyword: 'prefixItems', list: prefix }
  const items = own(schema, 'items')
  return Array.isArray(items) ? { keyword: 'items', list: items } : undefined
}
