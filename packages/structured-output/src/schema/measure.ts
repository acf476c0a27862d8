import { type Budget, RegexError, SchemaError } from '../errors.ts'
import { CHARACTERS_PER_STEP, codePoints, countValues, type JsonObject } from '../json.ts'
import { jsonLength } from '../text.ts'
import type { SchemaGraph, SchemaNode } from './graph.ts'
import { ARRAY, BOOLEAN, FRACTION, INTEGER, NULL, OBJECT, type Shape, STRING } from './shape.ts'

/** Most values in a generated instance, itself and everything inside counted. */
export const MAX_VALUES = 1000

/** Least number of values and of characters of JSON. Infinite: nothing fulfils the node. */
interface Cost {
  readonly size: number
  readonly chars: number
}

const IMPOSSIBLE: Cost = { size: Number.POSITIVE_INFINITY, chars: Number.POSITIVE_INFINITY }

/**
 * Finds how small instances can be. Schemas may refer to each other in circles, so costs are the least solution of a
 * system of equations: every node starts as impossible and gets cheaper until nothing changes; only what needs a node
 * is looked at again. Costs are lower bounds where a schema has conditions that only checking a value can decide.
 */
export class Measure {
  readonly #graph: SchemaGraph

  constructor(graph: SchemaGraph) {
    this.#graph = graph
  }

  /** Least number of values of an instance, Infinity when there is none. */
  size(node: SchemaNode): number {
    if (node.size === undefined) this.#solve(node)
    return node.size!
  }

  /** The same for instances of one type, `ARRAY` or `OBJECT`, of a node without open choices. */
  typeSize(node: SchemaNode, type: number): number {
    const get = (other: SchemaNode) => ({ size: this.size(other), chars: other.chars })
    return (type === ARRAY ? this.#array(node, get) : this.#object(node, get)).size
  }

  #solve(start: SchemaNode): void {
    const users = new Map<SchemaNode, Set<SchemaNode>>()
    const costs = new Map<SchemaNode, Cost>()
    const fresh: SchemaNode[] = []
    const reach = (node: SchemaNode, user: SchemaNode | undefined): Cost | undefined => {
      if (node.size !== undefined) return { size: node.size, chars: node.chars }
      let by = users.get(node)
      if (!by) {
        users.set(node, (by = new Set()))
        fresh.push(node)
      }
      if (user) by.add(user)
      return costs.get(node)
    }
    reach(start, undefined)
    // New nodes first, then what uses them, and only then, the latest first, nodes with too many choices: a way that was
    // begun is followed to its end before the next one is tried.
    const again = new Set<SchemaNode>()
    const wide: SchemaNode[] = []
    for (;;) {
      const node = fresh.pop() ?? again.values().next().value ?? wide.pop()
      if (!node) break
      again.delete(node)
      this.#graph.budget.spend()
      const before = costs.get(node)
      const cost = cheaper(
        before ?? IMPOSSIBLE,
        this.#cost(node, other => reach(other, node)),
      )
      if (before && cost.size === before.size && cost.chars === before.chars) continue
      costs.set(node, cost)
      for (const user of users.get(node)!) {
        if (isWide(user)) {
          if (!wide.includes(user)) wide.push(user)
        } else if (cost.size < Number.POSITIVE_INFINITY) again.add(user)
      }
    }
    for (const node of users.keys()) {
      const { size, chars } = costs.get(node) ?? IMPOSSIBLE
      node.size = size
      node.chars = chars
    }
  }

  /** `look` gives what is known about another node so far; undefined when it was not looked at yet. */
  #cost(node: SchemaNode, look: (node: SchemaNode) => Cost | undefined): Cost {
    const get = (other: SchemaNode) => look(other) ?? IMPOSSIBLE
    this.#graph.open(node)
    if (node.shape.never) return IMPOSSIBLE
    if (node.options) {
      let best = IMPOSSIBLE
      for (const option of node.options) {
        const cost = look(option)
        best = cheaper(best, cost ?? IMPOSSIBLE)
        if (isWide(node) && (!cost || best.size < Number.POSITIVE_INFINITY)) break
      }
      return best
    }
    if (node.values) {
      return node.values.reduce<Cost>((best, value) => {
        const size = countValues(value)
        this.#graph.budget.spend(size / 8)
        return size > MAX_VALUES ? best : cheaper(best, { size, chars: textLength(value, this.#graph.budget) })
      }, IMPOSSIBLE)
    }
    const { types } = node.shape
    let best = IMPOSSIBLE
    if (types & NULL) best = cheaper(best, { size: 1, chars: 4 })
    if (types & BOOLEAN) best = cheaper(best, { size: 1, chars: 4 })
    if (types & (INTEGER | FRACTION)) {
      const smallest = node.numbers.smallest()
      if (smallest !== undefined) best = cheaper(best, { size: 1, chars: `${smallest}`.length })
    }
    if (types & STRING) {
      const shortest = shortestString(node)
      if (shortest !== undefined) best = cheaper(best, { size: 1, chars: shortest + 2 })
    }
    if (types & ARRAY) best = cheaper(best, this.#array(node, get))
    if (types & OBJECT) best = cheaper(best, this.#object(node, get))
    return best
  }

  #array(node: SchemaNode, get: (node: SchemaNode) => Cost): Cost {
    const { minItems, maxItems } = node.shape
    if (minItems > maxItems) return IMPOSSIBLE
    let [size, chars] = [1, 2 + Math.max(0, minItems - 1)]
    const leading = Math.min(minItems, this.#graph.leading(node))
    for (let index = 0; index < leading && !(Number.isFinite(size) && size > MAX_VALUES); index++) {
      const cost = get(this.#graph.element(node, index))
      size += cost.size
      chars += cost.chars
    }
    if (minItems > leading) {
      const cost = get(this.#graph.element(node, leading))
      size += cost.size * (minItems - leading)
      chars += cost.chars * (minItems - leading)
    }
    // `contains` needs a value of its own schema; which place it takes is decided when it is made.
    for (const { schema, min } of node.shape.contains) {
      if (min > 0 && get(this.#graph.node([schema])).size === Number.POSITIVE_INFINITY) return IMPOSSIBLE
    }
    return { size, chars }
  }

  #object(node: SchemaNode, get: (node: SchemaNode) => Cost): Cost {
    const { minProperties, maxProperties } = node.shape
    const names = closure(node.shape, node.shape.required, this.#graph.budget)
    if (names.size > maxProperties || minProperties > maxProperties) return IMPOSSIBLE
    let [size, chars] = [1, 2]
    for (const name of names) {
      this.#graph.budget.spend()
      if (!this.#graph.mayBeNamed(node, name)) return IMPOSSIBLE
      const cost = get(this.#graph.member(node, name))
      size += cost.size
      chars += cost.chars + name.length + 4
      if (Number.isFinite(size) && size > MAX_VALUES) break
    }
    const more = Math.max(0, minProperties - names.size)
    return { size: size + more, chars: chars + 6 * more }
  }

  /** The reason why nothing fulfils a node: the first contradiction on the way, or a circle. */
  explain(start: SchemaNode): SchemaError {
    const path = new Set<SchemaNode>()
    let node = start
    for (;;) {
      const { shape } = node
      if (shape.never) return this.#error(shape.never.reason, shape.never.at)
      if (path.has(node)) return this.#error('the schema requires itself without end', shape.at)
      path.add(node)
      const next = this.#culprit(node)
      if (next instanceof SchemaError) return next
      node = next
    }
  }

  #error(reason: string, at: JsonObject | undefined): SchemaError {
    return new SchemaError(reason, at ? this.#graph.document.pointer(at) : '')
  }

  /** The node that makes this one impossible, or the error when it is this one itself. */
  #culprit(node: SchemaNode): SchemaNode | SchemaError {
    const { shape } = node
    const fail = (reason: string) => this.#error(reason, shape.at)
    if (node.options) return node.options[0]!
    if (node.values) return fail('no value of enum or const fulfils the other keywords and is small enough')
    const names = closure(shape, shape.required, this.#graph.budget)
    if (shape.types & OBJECT) {
      if (shape.minProperties > shape.maxProperties) {
        return fail(`minProperties ${shape.minProperties} is greater than maxProperties ${shape.maxProperties}`)
      }
      if (names.size > shape.maxProperties)
        return fail(`${names.size} members are required, more than maxProperties allows`)
      const misnamed = [...names].find(name => !this.#graph.mayBeNamed(node, name))
      if (misnamed !== undefined) return fail(`the required member ${JSON.stringify(misnamed)} is not allowed`)
      const lost = [...names].map(name => this.#graph.member(node, name)).find(member => this.size(member) === Infinity)
      if (lost) return lost
    }
    if (shape.types & ARRAY) {
      if (shape.minItems > shape.maxItems)
        return fail(`minItems (${shape.minItems}) is greater than maxItems(${shape.maxItems})`)
      for (const { schema } of shape.contains) {
        if (this.size(this.#graph.node([schema])) === Infinity) return this.#graph.node([schema])
      }
      for (let index = 0; index <= this.#graph.leading(node); index++) {
        if (this.size(this.#graph.element(node, index)) === Infinity) return this.#graph.element(node, index)
      }
    }
    if (shape.types & STRING) return fail(stringProblem(node) ?? 'no string fulfils the schema')
    return fail(
      shape.minimum > shape.maximum
        ? `no number is at least ${shape.minimum} and at most ${shape.maximum}`
        : 'no number in the range is a multiple of multipleOf',
    )
  }
}

/** The names that have to be there, with those that they bring along by dependentRequired. */
export function closure(shape: Shape, names: Iterable<string>, budget: Budget): Set<string> {
  const all = new Set(names)
  budget.spend(all.size / 8)
  if (shape.dependents.size === 0) return all
  // A set that grows is still walked to its end.
  for (const name of all) {
    const needed = shape.dependents.get(name)
    budget.spend((1 + (needed?.size ?? 0)) / 8)
    if (needed) for (const one of needed) all.add(one)
  }
  return all
}

function cheaper(a: Cost, b: Cost): Cost {
  return { size: Math.min(a.size, b.size), chars: Math.min(a.chars, b.chars) }
}

/**
 * Whether so many choices are open that their combinations cannot all be looked at: then the first way that works is
 * taken, and the next one is only tried when it does not.
 */
export function isWide(node: SchemaNode): boolean {
  return node.shape.choices.length > 3
}

/** Characters of a value's JSON, roughly for simple ones. */
function textLength(value: unknown, budget: Budget): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return `${value}`.length
  const length = jsonLength(value)
  budget.spend(length / CHARACTERS_PER_STEP)
  return length
}

function shortestString(node: SchemaNode): number | undefined {
  try {
    return codePoints(node.strings.smallest())
  } catch (error) {
    if (error instanceof RegexError) return undefined
    throw error
  }
}

function stringProblem(node: SchemaNode): string | undefined {
  try {
    node.strings.smallest()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
