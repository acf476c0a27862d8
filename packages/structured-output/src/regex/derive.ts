import { ANY, type CharSet, complement, first, has, intersect } from './charset.ts'
import type { Arena, Node } from './node.ts'

/** A character class whose members all lead to the same rest. */
export interface Step {
  readonly set: CharSet
  readonly rest: Node
}

/**
 * Derivatives: what may follow after one character (Brzozowski, "Derivatives of regular expressions", 1964; with
 * character classes as in Owens, Reppy and Turon, "Regular-expression derivatives re-examined", 2009). They match
 * without backtracking, so no pattern is catastrophic, and they make intersection and complement ordinary.
 */
export class Deriver {
  readonly #arena: Arena
  readonly #derivatives = new Map<Node, Map<number, Node>>()
  readonly #steps = new Map<Node, readonly Step[]>()

  constructor(arena: Arena) {
    this.#arena = arena
  }

  /** What may follow `code`. */
  derive(node: Node, code: number): Node {
    const arena = this.#arena
    switch (node.kind) {
      case 'never':
      case 'empty':
        return arena.never
      case 'set':
        return has(node.set, code) ? arena.empty : arena.never
      default: {
        let known = this.#derivatives.get(node)
        if (!known) this.#derivatives.set(node, (known = new Map()))
        let rest = known.get(code)
        if (!rest) {
          arena.budget.spend()
          rest = this.#compound(node, code)
          known.set(code, rest)
        }
        return rest
      }
    }
  }

  #compound(node: Node, code: number): Node {
    const arena = this.#arena
    const [a, b] = node.parts as [Node, Node]
    switch (node.kind) {
      case 'cat': {
        const taken = arena.cat(this.derive(a, code), b)
        return a.nullable ? arena.alt([taken, this.derive(b, code)]) : taken
      }
      case 'repeat':
        return arena.cat(this.derive(a, code), arena.repeat(a, Math.max(0, node.min - 1), node.max - 1))
      case 'not':
        return arena.not(this.derive(a, code))
      case 'and':
        return arena.and(node.parts.map(part => this.derive(part, code)))
      default:
        return arena.alt(node.parts.map(part => this.derive(part, code)))
    }
  }

  /** Whether the whole text is in the language. Linear in the text but for the derivatives that are new. */
  matches(node: Node, text: string): boolean {
    let rest = node
    for (const char of text) {
      this.#arena.budget.spend()
      rest = this.derive(rest, char.codePointAt(0)!)
      if (rest === this.#arena.never) return false
    }
    return rest.nullable
  }

  /** All that may come next, as classes of characters with equal rest; classes that lead nowhere are left out. */
  steps(node: Node): readonly Step[] {
    const known = this.#steps.get(node)
    if (known) return known
    let classes: CharSet[] = [ANY]
    for (const set of this.#firsts(node, new Map())) {
      const finer: CharSet[] = []
      const outside = complement(set)
      for (const block of classes) {
        this.#arena.budget.spend(1 + ((block.length + set.length) >> 4))
        for (const part of [intersect(block, set), intersect(block, outside)]) if (part.length > 0) finer.push(part)
      }
      classes = finer
    }
    const byRest = new Map<Node, number[]>()
    for (const set of classes) {
      const rest = this.derive(node, first(set))
      if (rest === this.#arena.never) continue
      const ranges = byRest.get(rest)
      if (ranges) ranges.push(...set)
      else byRest.set(rest, [...set])
    }
    const steps = [...byRest].map(([rest, ranges]) => ({ rest, set: sorted(ranges) }))
    this.#steps.set(node, steps)
    return steps
  }

  /** The sets that decide about the first character. */
  #firsts(node: Node, seen: Map<string, CharSet>): Iterable<CharSet> {
    this.#arena.budget.spend()
    switch (node.kind) {
      case 'set':
        this.#arena.budget.spend(node.set.length >> 4)
        seen.set(node.set.join(), node.set)
        break
      case 'cat':
        this.#firsts(node.parts[0]!, seen)
        if (node.parts[0]!.nullable) this.#firsts(node.parts[1]!, seen)
        break
      default:
        for (const part of node.parts) this.#firsts(part, seen)
    }
    return seen.values()
  }
}

/** Disjoint ranges in order. */
function sorted(ranges: number[]): CharSet {
  const pairs: [number, number][] = []
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!])
  return pairs.sort((a, b) => a[0] - b[0]).flat()
}
