import type { Deriver, Step } from './derive.ts'
import type { Arena, Node } from './node.ts'

/** One layer of `Lengths.layers`: the states that are reached after so many characters and can still finish. */
export type Layer = ReadonlyMap<Node, readonly Step[]>

/**
 * Which lengths (in code points) a language has, as bit masks: bit n is set when some text has n characters. Masks
 * reach up to `limit`; longer texts are not seen.
 */
export class Lengths {
  readonly limit: number
  readonly #arena: Arena
  readonly #deriver: Deriver
  readonly #mask: bigint
  readonly #known = new Map<Node, bigint>()
  readonly #forward = new Map<Node, Node[][]>()

  constructor(arena: Arena, deriver: Deriver, limit: number) {
    this.#arena = arena
    this.#deriver = deriver
    this.limit = limit
    this.#mask = (1n << BigInt(limit + 1)) - 1n
  }

  /** Lengths of the texts of `node`. */
  of(node: Node): bigint {
    const known = this.#known.get(node)
    if (known !== undefined) return known
    this.#arena.budget.spend(1 + (this.limit >> 6))
    const mask = this.#compute(node) & this.#mask
    this.#known.set(node, mask)
    return mask
  }

  #compute(node: Node): bigint {
    switch (node.kind) {
      case 'never':
        return 0n
      case 'empty':
        return 1n
      case 'set':
        return 2n
      case 'alt':
        return node.parts.reduce((mask, part) => mask | this.of(part), 0n)
      case 'cat': {
        // A chain is as long as its literal: walk it instead of recursing.
        const chain: Node[] = [node]
        for (let rest = node.parts[1]!; rest.kind === 'cat' && !this.#known.has(rest); rest = rest.parts[1]!)
          chain.push(rest)
        let mask = this.of(chain.at(-1)!.parts[1]!)
        while (chain.length > 0) {
          const link = chain.pop()!
          mask = this.#sum(this.of(link.parts[0]!), mask)
          this.#known.set(link, mask)
        }
        return mask
      }
      case 'repeat':
        return this.#times(this.of(node.parts[0]!), node.min, node.max)
      default:
        return this.#explore(node).reduce(
          (mask, layer, length) => (layer.some(state => state.nullable) ? mask | (1n << BigInt(length)) : mask),
          0n,
        )
    }
  }

  /** All sums of a length of `a` and one of `b`. */
  #sum(a: bigint, b: bigint): bigint {
    const [few, many] = bits(a) <= bits(b) ? [a, b] : [b, a]
    let sums = 0n
    for (const length of lengthsIn(few)) {
      this.#arena.budget.spend(1 + (this.limit >> 9))
      sums |= many << BigInt(length)
    }
    return sums & this.#mask
  }

  /** Sums of `min` to `max` lengths of `a`, by repeated doubling. */
  #times(a: bigint, min: number, max: number): bigint {
    if (a === 2n) {
      if (min > this.limit) return 0n
      return (1n << BigInt(Math.min(max, this.limit) + 1)) - (1n << BigInt(min))
    }
    if (min > this.limit && (a & 1n) === 0n) return 0n
    const least = this.#power(a, Math.min(min, this.limit))
    return this.#sum(least, this.#power(a | 1n, Math.min(max - min, this.limit)))
  }

  #power(a: bigint, count: number): bigint {
    let result = 1n
    let base = a
    for (let left = count; left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) result = this.#sum(result, base)
      if (left === 1) break
      const squared = this.#sum(base, base)
      // Nothing new comes: more of it gives the same.
      if (squared === base && (base & 1n) === 1n) return this.#sum(result, base)
      base = squared
    }
    return result
  }

  /** States that can be reached after 0, 1, 2, … characters. Ends early when nothing can follow. */
  #explore(node: Node): Node[][] {
    const known = this.#forward.get(node)
    if (known) return known
    const layers: Node[][] = [[node]]
    while (layers.length <= this.limit) {
      const next = new Set<Node>()
      for (const state of layers.at(-1)!) {
        this.#arena.budget.spend()
        for (const step of this.#deriver.steps(state)) next.add(step.rest)
      }
      if (next.size === 0) break
      layers.push([...next])
    }
    this.#forward.set(node, layers)
    return layers
  }

  /** For a node with `and` or `not`: the states on the ways to texts of exactly `length` characters, with their steps. */
  layers(node: Node, length: number): readonly Layer[] {
    const forward = this.#explore(node)
    const layers: Layer[] = new Array(length + 1)
    layers[length] = new Map(forward[length]!.filter(state => state.nullable).map(state => [state, []]))
    for (let k = length - 1; k >= 0; k--) {
      const alive = new Map<Node, readonly Step[]>()
      for (const state of forward[k]!) {
        this.#arena.budget.spend()
        const steps = this.#deriver.steps(state).filter(step => layers[k + 1]!.has(step.rest))
        if (steps.length > 0) alive.set(state, steps)
      }
      layers[k] = alive
    }
    return layers
  }

  /** Whether no text is longer than what was explored, so that an empty mask means an empty language. */
  exhausted(node: Node): boolean {
    return (node.kind === 'and' || node.kind === 'not') && this.#explore(node).length <= this.limit
  }
}

/** The lengths in a mask, ascending. */
export function lengthsIn(mask: bigint): number[] {
  const found: number[] = []
  const digits = mask.toString(16)
  for (let i = digits.length - 1, base = 0; i >= 0; i--, base += 4) {
    const nibble = Number.parseInt(digits[i]!, 16)
    for (let bit = 0; bit < 4; bit++) if (nibble & (1 << bit)) found.push(base + bit)
  }
  return found
}

/** Number of lengths in a mask. */
function bits(mask: bigint): number {
  return lengthsIn(mask).length
}
