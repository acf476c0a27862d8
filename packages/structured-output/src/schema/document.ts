import { type Budget, SchemaError } from '../errors.ts'
import { isObject, type JsonObject, own } from '../json.ts'
import { checkKeywords, escapeToken, subschemas } from './keywords.ts'

/** A schema. */
export type Schema = JsonObject | boolean

/** Conditions that no keyword expresses; schemas derived from others carry them. */
export interface Extra {
  /** Values that are not allowed (from `not` with enum or const). */
  readonly exclude?: readonly unknown[]
  /** Members that must be absent. */
  readonly forbid?: readonly string[]
  /** Patterns that must not match. */
  readonly notPatterns?: readonly string[]
  /** Numbers must have a fraction. */
  readonly fraction?: boolean
}

/** Where a derived schema keeps its `Extra`: a symbol, so that no client's document can have one. */
export const EXTRA: unique symbol = Symbol('extra')

const BASE = 'vllm-sim://schema/'

/** Where a schema lies: below another one, which is spelled out only when there is something to say about it. */
interface Place {
  readonly parent?: JsonObject
  readonly path: string
}

/** One schema document: gives schemas numbers and places, and finds what `$ref` means. */
export class SchemaDocument {
  readonly root: Schema
  readonly #ids = new Map<JsonObject, number>()
  readonly #places = new Map<JsonObject, Place>()
  readonly #lists = new Map<JsonObject, Map<string, readonly Schema[]>>()
  readonly #derived = new Map<string, Schema>()
  readonly #checked = new Set<JsonObject>()
  #resources: { targets: Map<string, JsonObject>; bases: Map<JsonObject, string> } | undefined

  /** @param budget pays for the look at every keyword. @throws SchemaError when the document is not a schema. */
  constructor(root: unknown, budget?: Budget) {
    checkKeywords(root, '', budget)
    this.root = root as Schema
    if (isObject(root)) this.#places.set(root, { path: '' })
  }

  /** A number of the schema's own. */
  id(schema: JsonObject): number {
    let id = this.#ids.get(schema)
    if (id === undefined) this.#ids.set(schema, (id = this.#ids.size))
    return id
  }

  /** JSON pointer of a schema that was reached through `at` or `resolve`. */
  pointer(schema: Schema): string {
    const parts: string[] = []
    let place = isObject(schema) ? this.#places.get(schema) : undefined
    for (; place; place = place.parent && this.#places.get(place.parent)) parts.push(place.path)
    return shortened(parts.reverse().join(''), 300)
  }

  /** A schema below another one, which it remembers the place of. */
  at(parent: JsonObject, ...path: (string | number)[]): Schema {
    let value: unknown = parent
    for (const name of path) value = (value as JsonObject)[name]
    if (isObject(value) && !this.#places.has(value)) {
      this.#places.set(value, { parent, path: path.map(name => `/${escapeToken(`${name}`)}`).join('') })
    }
    return value as Schema
  }

  /** The schemas of a list below a schema. */
  list(parent: JsonObject, keyword: string): readonly Schema[] {
    let lists = this.#lists.get(parent)
    if (!lists) this.#lists.set(parent, (lists = new Map()))
    let list = lists.get(keyword)
    if (!list) {
      list = (parent[keyword] as unknown[]).map((_, index) => this.at(parent, keyword, index))
      lists.set(keyword, list)
    }
    return list
  }

  /** A schema that is made from `parent`, once for each `key`. */
  derive(parent: JsonObject, key: string, make: () => Schema): Schema {
    const name = `${this.id(parent)} ${key}`
    let schema = this.#derived.get(name)
    if (schema === undefined) {
      schema = make()
      if (isObject(schema) && !this.#places.has(schema)) this.#places.set(schema, { parent, path: '' })
      this.#derived.set(name, schema)
    }
    return schema
  }

  /**
   * What the reference means.
   * @throws SchemaError when it leads out of the document or nowhere.
   */
  resolve(from: JsonObject, reference: string): Schema {
    const fail = (why: string) =>
      new SchemaError(`$ref ${JSON.stringify(shortened(reference))} ${why}`, this.pointer(from))
    if (reference === '#') return this.#resourceRoot(from)
    if (reference.startsWith('#/') && !this.#hasResources()) return this.#follow(this.root, reference.slice(1), fail)
    const { targets, bases } = this.#index()
    const absolute = URL.parse(reference, bases.get(from) ?? BASE)
    if (!absolute) throw fail('is not a URI reference')
    const fragment = absolute.hash.slice(1)
    const whole = absolute.href
    absolute.hash = ''
    if (!fragment.startsWith('/')) {
      const target = targets.get(whole.replace(/#$/, ''))
      if (target) return target
    } else {
      const resource = targets.get(absolute.href)
      if (resource) return this.#follow(resource, fragment, fail)
    }
    throw fail(
      absolute.href.startsWith(BASE)
        ? 'does not lead to a schema in this document'
        : 'is not in this document, and others are not fetched',
    )
  }

  #follow(start: Schema, fragment: string, fail: (why: string) => SchemaError): Schema {
    let value: unknown = start
    for (const token of fragment.split('/').slice(1)) {
      const name = decode(token).replaceAll('~1', '/').replaceAll('~0', '~')
      value = typeof value === 'object' && value !== null ? own(value, name) : undefined
    }
    if (typeof value !== 'boolean' && !isObject(value)) throw fail('does not lead to a schema in this document')
    return this.#usable(value, start, fragment)
  }

  /** A target of a reference may lie where the first check did not look: below an unknown keyword. */
  #usable(target: Schema, start: Schema, path: string): Schema {
    if (isObject(target) && !this.#checked.has(target)) {
      if (!this.#places.has(target)) this.#places.set(target, isObject(start) ? { parent: start, path } : { path })
      if (!/^(\/(\$defs|definitions|properties)\/[^/]*)+$/.test(path)) checkKeywords(target, this.pointer(target))
      this.#checked.add(target)
    }
    return target
  }

  #resourceRoot(from: JsonObject): Schema {
    if (!this.#hasResources()) return this.root
    const { targets, bases } = this.#index()
    return targets.get((bases.get(from) ?? BASE).replace(/#.*$/, '')) ?? this.root
  }

  /** Whether parts of the document have names of their own: only then do bases matter. */
  #hasResources(): boolean {
    return this.#index().targets.size > 2 || (isObject(this.root) && typeof this.root['$id'] === 'string')
  }

  /** Finds every `$id` and anchor. */
  #index(): { targets: Map<string, JsonObject>; bases: Map<JsonObject, string> } {
    if (this.#resources) return this.#resources
    const targets = new Map<string, JsonObject>()
    const bases = new Map<JsonObject, string>()
    const open: [unknown, string][] = [[this.root, BASE]]
    if (isObject(this.root)) targets.set(BASE, this.root)
    while (open.length > 0) {
      const [schema, outer] = open.pop()!
      if (!isObject(schema)) continue
      const id = own(schema, '$id')
      const own_ = typeof id === 'string' ? URL.parse(id, outer)?.href : undefined
      const base = own_ && !id!.toString().startsWith('#') ? own_.replace(/#.*$/, '') : outer
      if (own_) targets.set(own_.replace(/#$/, ''), schema)
      bases.set(schema, base)
      for (const keyword of ['$anchor', '$dynamicAnchor']) {
        const anchor = own(schema, keyword)
        if (typeof anchor === 'string') targets.set(`${base}#${anchor}`, schema)
      }
      for (const inner of subschemas(schema)) open.push([inner, base])
    }
    this.#resources = { targets, bases }
    return this.#resources
  }
}

function decode(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}

function shortened(text: string, most = 100): string {
  return text.length > most ? `${text.slice(0, most / 2)}…${text.slice(-most / 2)}` : text
}
