import type { Random } from '@vllm-sim/latency'
import { RegexError } from '../errors.ts'
import { first, intersect, pick, size } from './charset.ts'
import type { Deriver, Step } from './derive.ts'
import { type Layer, Lengths, lengthsIn } from './length.ts'
import type { Arena, Node } from './node.ts'

/** Longest text, in code points, that is made where a pattern or a client's limit would allow or ask for more. */
export const MAX_TEXT = 4096
const PRINTABLE = [0x20, 0x7e]
/** How much longer than the shortest text a random one may be. */
const WINDOW = 24

/** Texts of one language within a range of lengths. Built once, used for many texts. */
export class TextGenerator {
  readonly #arena: Arena
  readonly #lengths: Lengths
  readonly #node: Node
  readonly #low: number
  readonly #high: number
  /** Possible lengths near the shortest, ascending; never empty. */
  readonly #choices: readonly number[]
  readonly #plans = new Map<Node, Map<number, readonly Layer[]>>()

  /**
   * `low` and `high`: code points of the text, both included.
   * @throws RegexError when there is no such text, or none can be found with reasonable effort.
   */
  constructor(arena: Arena, deriver: Deriver, node: Node, low = 0, high = Number.POSITIVE_INFINITY) {
    this.#arena = arena
    this.#node = node
    this.#low = low
    this.#high = high
    const shortest = Math.max(low, node.shortest)
    if (node === arena.never || shortest > high)
      throw new RegexError('no text of an allowed length matches the pattern')
    if (shortest > MAX_TEXT) throw new RegexError(`the shortest match has more than ${MAX_TEXT} characters`)
    for (let limit = Math.min(high, shortest + WINDOW); ; limit = Math.min(high, MAX_TEXT, limit * 4)) {
      const lengths = new Lengths(arena, deriver, limit)
      const choices = lengthsIn(lengths.of(node)).filter(length => length >= low)
      if (choices.length > 0) {
        this.#lengths = lengths
        this.#choices = choices.filter(length => length <= choices[0]! + WINDOW)
        return
      }
      if (limit === high || lengths.exhausted(node))
        throw new RegexError('no text of an allowed length matches the pattern')
      if (limit === MAX_TEXT) throw new RegexError(`no match with at most ${MAX_TEXT} characters was found`)
    }
  }

  /** Code points of the shortest text. */
  get shortest(): number {
    return this.#choices[0]!
  }

  /** A random text. */
  generate(random: Random): string {
    this.#arena.budget.refill()
    if (!this.#node.boolean) {
      for (let attempt = 0; attempt < 4; attempt++) {
        const out: number[] = []
        const limit = Math.min(this.#high, Math.max(this.#choices[0]! * 2, this.#choices[0]! + 64))
        if (this.#natural(this.#node, random, out, limit) && out.length >= this.#low) return text(out)
      }
    }
    const out: number[] = []
    this.#exact(this.#node, this.#choices[random.int(0, this.#choices.length - 1)]!, random, out)
    return text(out)
  }

  /** One of the shortest texts: with `random` one by chance, otherwise always the same. */
  smallest(random?: Random): string {
    this.#arena.budget.refill()
    const out: number[] = []
    this.#exact(this.#node, this.#choices[0]!, random, out)
    return text(out)
  }

  /** Appends a text of `node` with exactly `length` characters; there must be one. */
  #exact(node: Node, length: number, random: Random | undefined, out: number[]): void {
    switch (node.kind) {
      case 'empty':
        return
      case 'set':
        this.#arena.budget.spend(1 / 4)
        out.push(choose(node.set, random))
        return
      case 'alt': {
        const fitting = node.parts.filter(part => this.#has(part, length))
        this.#exact(fitting[random ? random.int(0, fitting.length - 1) : 0]!, length, random, out)
        return
      }
      case 'cat': {
        let rest: Node = node
        let left = length
        while (rest.kind === 'cat') {
          const [head, tail] = rest.parts as [Node, Node]
          const taken = this.#split(head, tail, left, random)
          this.#exact(head, taken, random, out)
          left -= taken
          rest = tail
        }
        this.#exact(rest, left, random, out)
        return
      }
      case 'repeat':
        this.#repeat(node, length, random, out)
        return
      default:
        this.#walk(node, length, random, out)
    }
  }

  #has(node: Node, length: number): boolean {
    return length >= 0 && ((this.#lengths.of(node) >> BigInt(length)) & 1n) === 1n
  }

  /** How many of `length` characters `head` takes when `tail` takes the others. */
  #split(head: Node, tail: Node, length: number, random: Random | undefined): number {
    if (head.kind === 'set') return 1
    const possible = lengthsIn(this.#lengths.of(head))
    this.#arena.budget.spend(1 + (possible.length >> 3))
    const fitting = possible.filter(taken => this.#has(tail, length - taken))
    return fitting[random ? random.int(0, fitting.length - 1) : 0]!
  }

  #repeat(node: Node, length: number, random: Random | undefined, out: number[]): void {
    const inner = node.parts[0]!
    if (inner.kind === 'set') {
      this.#arena.budget.spend(length / 4)
      for (let i = 0; i < length; i++) out.push(choose(inner.set, random))
      return
    }
    // A count whose lengths add up, by taking one repetition at a time; the rest is again a repeat.
    const possible = lengthsIn(this.#lengths.of(inner)).filter(taken => taken > 0)
    if (possible.length === 1) {
      for (let left = length; left > 0; left -= possible[0]!) this.#exact(inner, possible[0]!, random, out)
      return
    }
    for (let left = length, done = 0; left > 0; done++) {
      const min = Math.max(0, node.min - done - 1)
      this.#arena.budget.spend(1 + (possible.length >> 3))
      const fitting = possible.filter(
        taken => taken <= left && this.#sums(inner, min, node.max - done - 1, left - taken),
      )
      const taken = fitting[random ? random.int(0, fitting.length - 1) : fitting.length - 1]!
      this.#exact(inner, taken, random, out)
      left -= taken
    }
  }

  /** Whether `min` to `max` texts of `inner` can have `length` characters together. */
  #sums(inner: Node, min: number, max: number, length: number): boolean {
    if (length === 0) return min === 0 || inner.nullable
    return max > 0 && this.#has(this.#arena.repeat(inner, min, max), length)
  }

  /** Appends a text by free choice at each branch; false when it got longer than `limit`. Not for `and` and `not`. */
  #natural(node: Node, random: Random, out: number[], limit: number): boolean {
    let rest = node
    while (rest.kind === 'cat') {
      if (!this.#natural(rest.parts[0]!, random, out, limit)) return false
      rest = rest.parts[1]!
    }
    this.#arena.budget.spend(1 / 4)
    if (rest.kind === 'set') out.push(pick(rest.set, random))
    if (rest.kind === 'alt') return this.#natural(rest.parts[random.int(0, rest.parts.length - 1)]!, random, out, limit)
    if (rest.kind === 'repeat') {
      const count = random.int(rest.min, Math.min(rest.max, rest.min + (rest.min === 0 && rest.max > 8 ? 8 : 6)))
      for (let i = 0; i < count; i++) if (!this.#natural(rest.parts[0]!, random, out, limit)) return false
    }
    return out.length <= limit
  }

  /** Follows the derivatives of an intersection or complement on a way that ends after `length` characters. */
  #walk(node: Node, length: number, random: Random | undefined, out: number[]): void {
    let plans = this.#plans.get(node)
    if (!plans) this.#plans.set(node, (plans = new Map()))
    let layers = plans.get(length)
    if (!layers) plans.set(length, (layers = this.#lengths.layers(node, length)))
    this.#arena.budget.spend(length)
    let state = node
    for (let k = 0; k < length; k++) {
      const step = chooseStep(layers[k]!.get(state)!, random)
      out.push(choose(step.set, random))
      state = step.rest
    }
  }
}

function choose(set: readonly number[], random: Random | undefined): number {
  return random ? pick(set, random) : first(set)
}

/** A step, the more likely the more printable characters it has. */
function chooseStep(steps: readonly Step[], random: Random | undefined): Step {
  const weights = steps.map(step => size(intersect(step.set, PRINTABLE)) + 0.01)
  if (!random) return steps[weights.indexOf(Math.max(...weights))]!
  let at = random.next() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [index, weight] of weights.entries()) if ((at -= weight) < 0) return steps[index]!
  return steps.at(-1)!
}

function text(codes: readonly number[]): string {
  return codes.map(code => String.fromCodePoint(code)).join('')
}
