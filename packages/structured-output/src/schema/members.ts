import type { Random } from '@vllm-sim/latency'
import { type JsonObject, own } from '../json.ts'
import type { SchemaGraph, SchemaNode } from './graph.ts'
import { closure, type Measure } from './measure.ts'
import { WORDS } from './strings.ts'

/** An attempt at an instance that came to nothing; another one may succeed. */
export class Attempt extends Error {}

/** How many values may still be added to the least possible instance. */
export interface Allowance {
  left: number
}

/** Decides which members an object gets. */
export class MemberChooser {
  readonly #graph: SchemaGraph
  readonly #measure: Measure
  readonly #random: Random
  readonly #spare: Allowance

  constructor(graph: SchemaGraph, measure: Measure, random: Random, spare: Allowance) {
    this.#graph = graph
    this.#measure = measure
    this.#random = random
    this.#spare = spare
  }

  /**
   * Names of the members, declared ones first and in the schema's order: all that are required, each other one with a
   * chance of `percent` in 100, and as many more as minProperties wants. `make` gives values for schemas of names.
   * @throws Attempt when too few names were found.
   */
  choose(node: SchemaNode, percent: number, make: (source: SchemaNode, variety: number) => unknown): string[] {
    const { shape } = node
    const names = closure(shape, shape.required, this.#graph.budget)
    const declared = this.#graph.declared(node)
    if (percent > 0) {
      this.#graph.budget.spend(declared.size / 8)
      for (const name of declared.keys()) {
        if (!names.has(name) && this.#random.chance(percent)) this.#include(node, name, names)
      }
    }
    if (names.size < shape.minProperties) {
      for (const name of declared.keys()) {
        if (names.size >= shape.minProperties) break
        this.#include(node, name, names)
      }
      this.#invent(node, names, make)
    }
    const place = (name: string) => declared.get(name) ?? Number.POSITIVE_INFINITY
    // Two that are not declared keep their order.
    return [...names].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)))
  }

  /** Adds an optional name, with all that it brings along, if that is possible and there is room. */
  #include(node: SchemaNode, name: string, names: Set<string>): void {
    const more = [...closure(node.shape, [name], this.#graph.budget)].filter(one => !names.has(one))
    if (names.size + more.length > node.shape.maxProperties) return
    let size = 0
    for (const one of more) {
      // Validators in JavaScript do not see a declaration of this name, and call the member undeclared.
      if (one === '__proto__' || !this.#graph.mayBeNamed(node, one)) return
      size += this.#measure.size(this.#graph.member(node, one))
    }
    // Those that minProperties asks for are part of the least size, one value each.
    const counted = Math.max(0, Math.min(more.length, node.shape.minProperties - names.size))
    if (size - counted > this.#spare.left) return
    this.#spare.left -= size - counted
    for (const one of more) names.add(one)
  }

  /** Makes up names until there are as many as minProperties wants. */
  #invent(node: SchemaNode, names: Set<string>, make: (source: SchemaNode, variety: number) => unknown): void {
    const { minProperties } = node.shape
    const sources = this.#sources(node)
    for (let attempt = 0; names.size < minProperties; attempt++) {
      if (attempt > 40 + minProperties * 8) throw new Attempt('not enough different names')
      const source = sources[attempt % Math.max(1, sources.length)]
      const word = WORDS[attempt % WORDS.length]!
      const name = source ? make(source, attempt >> 2) : attempt < WORDS.length ? word : `${word}${attempt}`
      if (typeof name === 'string' && !names.has(name)) this.#include(node, name, names)
    }
  }

  /** Nodes of strings that are likely to be allowed as names. */
  #sources(node: SchemaNode): SchemaNode[] {
    const { names, objects } = node.shape
    const patterns = objects.flatMap(schema =>
      Object.keys((own(schema, 'patternProperties') as JsonObject | undefined) ?? {}),
    )
    const sources = patterns.map(pattern => this.#graph.named(names, pattern))
    if (names.length > 0) sources.push(this.#graph.named(names))
    return sources.filter(source => this.#measure.size(source) !== Number.POSITIVE_INFINITY)
  }
}
