import type { Random } from '@vllm-sim/latency'
import { RegexError } from '../errors.ts'
import { assign, CHARACTERS_PER_STEP, countValues, type JsonObject, keyOf } from '../json.ts'
import { jsonLength } from '../text.ts'
import type { SchemaGraph, SchemaNode } from './graph.ts'
import { isWide, MAX_VALUES, type Measure } from './measure.ts'
import { type Allowance, Attempt, MemberChooser } from './members.ts'
import type { Range } from './numbers.ts'
import { ALL_TYPES, ARRAY, BOOLEAN, FRACTION, INTEGER, NULL, OBJECT, STRING } from './shape.ts'

/** Ranges and probabilities for what a schema leaves open; a schema's own limits always win. */
export interface GeneratorOptions {
  /** Integers, both ends included. */
  readonly integers: Range
  /** Other numbers. */
  readonly numbers: Range
  /** Lengths of arrays. */
  readonly arrayLength: Range
  /** Chance in percent that an optional member of the outermost object is there. */
  readonly optionalParameterPercent: number
  /** Chance in percent for an optional member of an object further inside. */
  readonly optionalFieldPercent: number
}

/** How large an instance shall be: `usual` follows the options, `small` has only what is required, `smallest` also the shortest values. */
export type Extent = 'usual' | 'small' | 'smallest'

/** How often one value is tried before the attempt as a whole is given up. */
const TRIES = 16
/** How many more elements than it must have an array gets at most, where maxItems is far away. */
const LONGEST = 100
const PRIMITIVES = NULL | BOOLEAN | INTEGER | FRACTION | STRING

/** Makes one instance: walks down from a node and never takes more values than allowed. */
export class InstanceMaker {
  readonly #graph: SchemaGraph
  readonly #measure: Measure
  readonly #options: GeneratorOptions
  readonly #random: Random
  readonly #extent: Extent
  readonly #path: SchemaNode[] = []
  /** How many values may still be added to the least possible. */
  readonly #spare: Allowance
  readonly #members: MemberChooser

  constructor(
    graph: SchemaGraph,
    measure: Measure,
    options: GeneratorOptions,
    random: Random,
    extent: Extent,
    root: SchemaNode,
  ) {
    this.#graph = graph
    this.#measure = measure
    this.#options = options
    this.#random = random
    this.#extent = extent
    this.#spare = { left: MAX_VALUES - measure.size(root) }
    this.#members = new MemberChooser(graph, measure, random, this.#spare)
  }

  /** A value for the node. @throws Attempt when none was found. */
  make(node: SchemaNode, variety = 0): unknown {
    this.#graph.budget.spend()
    if (this.#measure.size(node) === Number.POSITIVE_INFINITY) throw new Attempt('a value that cannot be is needed')
    this.#path.push(node)
    try {
      const { checked, excluded } = node.shape
      if (!checked && excluded.size === 0) return this.#any(node, variety)
      const spare = this.#spare.left
      for (let attempt = 0; attempt < TRIES; attempt++) {
        this.#spare.left = spare
        const value = this.#any(node, variety + (attempt >> 2), attempt)
        if (this.#graph.valid(node, value)) return value
      }
      throw new Attempt('no value fulfilled every condition')
    } finally {
      this.#path.pop()
    }
  }

  #any(node: SchemaNode, variety: number, attempt = 0): unknown {
    if (node.options) return this.#option(node, variety, attempt)
    if (node.values) return this.#value(node, node.values)
    const type = this.#type(node)
    switch (type) {
      case NULL:
        return null
      case BOOLEAN:
        return this.#extent === 'smallest' && variety === 0 ? true : this.#random.chance(50)
      case STRING:
        if (this.#extent === 'smallest' && variety === 0) return node.strings.smallest()
        return node.strings.random(this.#random, variety)
      case ARRAY:
        return this.#array(node)
      case OBJECT:
        return this.#object(node)
      default:
        return this.#number(node, variety)
    }
  }

  /** Takes one way of an open choice: by chance, in small instances mostly the smallest, then the others in turn. */
  #option(node: SchemaNode, variety: number, attempt: number): unknown {
    const least = this.#measure.size(node)
    const fits = (option: SchemaNode) => this.#measure.size(option) - least <= Math.max(0, this.#spare.left)
    const sorted = this.#extent === 'smallest' || this.#isRepeated(node)
    let option: SchemaNode | undefined
    if (isWide(node)) {
      // To measure every way would be to look at every combination.
      const start = sorted ? attempt : this.#random.int(0, node.options!.length - 1)
      option = node.options!.map((_, index, all) => all[(start + index) % all.length]!).find(fits)
    } else {
      const possible = node.options!.filter(fits)
      if (sorted) possible.sort((a, b) => a.chars - b.chars)
      option = possible[sorted ? attempt % possible.length : this.#random.int(0, possible.length - 1)]
    }
    if (!option) throw new Attempt('no option fits')
    this.#spare.left -= this.#measure.size(option) - least
    return this.make(option, variety)
  }

  /** Deep inside a schema that contains itself, only what is needed is made. */
  #isRepeated(node: SchemaNode): boolean {
    return this.#path.length > 24 || this.#path.filter(one => one === node).length > 2
  }

  #value(node: SchemaNode, values: readonly unknown[]): unknown {
    this.#graph.budget.spend()
    if (this.#extent === 'smallest') return this.#shortest(node, values)
    const value = values[this.#random.int(0, values.length - 1)]
    const extra = countValues(value) - this.#measure.size(node)
    if (extra > this.#spare.left) return values.find(one => countValues(one) === this.#measure.size(node))
    this.#spare.left -= extra
    return value
  }

  /** The value with the shortest JSON. */
  #shortest(node: SchemaNode, values: readonly unknown[]): unknown {
    if (values === node.values && node.shortest) return node.shortest.value
    let best = values[0]
    let least = Number.POSITIVE_INFINITY
    for (const value of values) {
      const length = jsonLength(value)
      this.#graph.budget.spend(1 / 8 + length / CHARACTERS_PER_STEP)
      if (length < least) [best, least] = [value, length]
    }
    if (values === node.values) node.shortest = { value: best }
    return best
  }

  /** One of the types that can be had; where none is named, the one that the other keywords are about. */
  #type(node: SchemaNode): number {
    const { shape } = node
    const possible = this.#possibleTypes(node)
    if (possible.length === 0) throw new Attempt('no type is possible')
    if (this.#extent === 'smallest') return possible.sort((a, b) => smallestOf(node, a) - smallestOf(node, b))[0]!
    let wanted = possible
    if ((shape.types & ALL_TYPES) === ALL_TYPES) {
      if (shape.objects.length + shape.required.size > 0 || shape.minProperties > 0)
        wanted = possible.filter(type => type === OBJECT)
      else if (shape.arrays.length > 0 || shape.minItems > 0 || shape.unique)
        wanted = possible.filter(type => type === ARRAY)
      else if (shape.patterns.length + shape.formats.length > 0 || shape.minLength > 0 || shape.maxLength < Infinity) {
        wanted = possible.filter(type => type === STRING)
      } else if (shape.minimum > -Infinity || shape.maximum < Infinity || shape.multiples.length > 0) {
        wanted = possible.filter(type => type === INTEGER || type === FRACTION)
      } else wanted = possible.filter(type => type & PRIMITIVES & ~NULL)
    }
    if (wanted.length === 0) wanted = possible
    return wanted[this.#random.int(0, wanted.length - 1)]!
  }

  #possibleTypes(node: SchemaNode): number[] {
    const { types } = node.shape
    const size = this.#measure.size(node)
    const found: number[] = [NULL, BOOLEAN].filter(type => types & type)
    if (types & (INTEGER | FRACTION) && node.numbers.smallest() !== undefined)
      found.push(types & FRACTION ? FRACTION : INTEGER)
    if (types & STRING && hasString(node)) found.push(STRING)
    for (const type of [ARRAY, OBJECT]) {
      if (!(types & type)) continue
      const cost = this.#measure.typeSize(node, type)
      if (cost - size <= Math.max(0, this.#spare.left)) found.push(type)
    }
    return found
  }

  #number(node: SchemaNode, variety: number): number {
    if (this.#extent === 'smallest' && variety === 0) return node.numbers.smallest()!
    const { types } = node.shape
    const integer = !(types & FRACTION)
    const range = integer ? this.#options.integers : this.#options.numbers
    for (let attempt = 0; attempt < TRIES; attempt++) {
      this.#graph.budget.spend(1 + node.shape.multiples.length)
      let value = node.numbers.random(this.#random, range, variety * 1000)
      if (value === undefined) break
      // Seventeen digits are no use where a text has to be short.
      const rounded = Math.round(value * 10) / 10
      if (this.#extent === 'small' && node.numbers.test(rounded)) value = rounded
      if (types & INTEGER || !Number.isInteger(value)) return value
    }
    throw new Attempt('no number found')
  }

  #array(node: SchemaNode): unknown[] {
    const { minItems, unique } = node.shape
    const length = this.#length(node)
    const items: unknown[] = []
    const seen = new Set<unknown>()
    const demanded = this.#containing(node, length)
    for (let index = 0; index < length; index++) {
      const element = demanded.get(index) ?? this.#graph.element(node, index)
      const spare = this.#spare.left
      if (index >= minItems) this.#spare.left -= this.#measure.size(element)
      if (this.#spare.left < 0) {
        this.#spare.left = spare
        break
      }
      const item = unique ? this.#another(element, seen) : this.make(element)
      if (item === undefined) {
        if (index < minItems) throw new Attempt('not enough different elements')
        this.#spare.left = spare
        break
      }
      items.push(item)
    }
    return items
  }

  /** How many elements: between the schema's limits, or where it sets none, those of the options. */
  #length(node: SchemaNode): number {
    const { shape } = node
    let most = shape.maxItems
    const leading = this.#graph.leading(node)
    // A place that nothing can take ends the array.
    for (let index = 0; index <= leading && index < most; index++) {
      if (this.#measure.size(this.#graph.element(node, index)) === Number.POSITIVE_INFINITY) most = index
    }
    if (this.#extent === 'smallest' || this.#isRepeated(node)) return shape.minItems
    if (this.#extent === 'small') return Math.max(shape.minItems, Math.min(most, this.#path.length <= 3 ? 1 : 0))
    const { min, max } = this.#options.arrayLength
    const low = Math.min(most, Math.max(shape.minItems, shape.minItems > 0 ? 0 : min))
    const high = Number.isFinite(most) && shape.maxItems === most ? most : Math.min(most, Math.max(max, leading, low))
    const affordable =
      low +
      Math.floor(
        Math.max(0, this.#spare.left) / Math.max(1, this.#measure.size(this.#graph.element(node, leading)) || 1),
      )
    return this.#random.int(low, Math.max(low, Math.min(high, affordable, low + LONGEST)))
  }

  /** Places for the elements that `contains` asks for: from the end, where the leading elements do not forbid it. */
  #containing(node: SchemaNode, length: number): Map<number, SchemaNode> {
    const places = new Map<number, SchemaNode>()
    for (const { schema, min } of node.shape.contains) {
      let left = min
      for (let index = length - 1; index >= 0 && left > 0; index--) {
        if (places.has(index)) continue
        const both = this.#graph.node([...this.#graph.element(node, index).schemas, schema])
        const extra = this.#measure.size(both) - this.#measure.size(this.#graph.element(node, index))
        if (!(extra <= this.#spare.left)) continue
        this.#spare.left -= Math.max(0, extra)
        places.set(index, both)
        left--
      }
    }
    return places
  }

  /** A value that was not there yet; undefined when none was found. */
  #another(node: SchemaNode, seen: Set<unknown>): unknown {
    const spare = this.#spare.left
    for (let attempt = 0; attempt < 40; attempt++) {
      this.#spare.left = spare
      const rest = node.values?.filter(value => !seen.has(keyOf(value, this.#graph.budget)))
      if (rest?.length === 0) return undefined
      const value = rest ? this.#value(node, rest) : this.make(node, attempt)
      const key = keyOf(value, this.#graph.budget)
      if (seen.has(key)) continue
      seen.add(key)
      return value
    }
    return undefined
  }

  #object(node: SchemaNode): JsonObject {
    const outermost = this.#path.every(one => one.shape.types & OBJECT && (one === node || one.options?.length))
    const percent = outermost ? this.#options.optionalParameterPercent : this.#options.optionalFieldPercent
    const optional = this.#extent === 'usual' && !this.#isRepeated(node) ? percent : 0
    const names = this.#members.choose(node, optional, (source, variety) => this.make(source, variety))
    const object: JsonObject = {}
    for (const name of names) assign(object, name, this.make(this.#graph.member(node, name)))
    return object
  }
}

function hasString(node: SchemaNode): boolean {
  try {
    node.strings.smallest()
    return true
  } catch (error) {
    if (error instanceof RegexError) return false
    throw error
  }
}

/** Characters of the smallest value of a type, to compare types. */
function smallestOf(node: SchemaNode, type: number): number {
  if (type === NULL || type === BOOLEAN) return 4
  if (type === STRING) return node.strings.smallest().length + 2
  if (type === ARRAY) return 2 + node.shape.minItems * 2
  if (type === OBJECT) return 2 + (node.shape.required.size + node.shape.minProperties) * 8
  return `${node.numbers.smallest() ?? 0}`.length
}
