import type { Random } from '@vllm-sim/latency'
import { type Budget, RegexError } from '../errors.ts'
import { Deriver } from './derive.ts'
import { TextGenerator } from './generate.ts'
import { Arena, type Node } from './node.ts'
import { parseRegex } from './parse.ts'

/** A source of texts that match a pattern. `work` pays for the work. @throws RegexError, WorkError when that is too much */
export interface TextSourceOfPattern {
  /** A random text. */
  generate(random: Random, work?: Budget): string
  /** One of the shortest texts: by chance with `random`, otherwise always the same. */
  smallest(random?: Random, work?: Budget): string
}

/**
 * Prepares texts that match `source`, an ECMAScript regular expression, as a whole (as vLLM's
 * `structured_outputs.regex` does). `flags` may have `i` and `s`; others change nothing. Never runs the pattern with
 * a backtracking engine.
 * @param budget pays for the preparation
 * @throws RegexError for a malformed pattern, for one that matches nothing, and for look-behind.
 */
export function compileRegex(source: string, flags = '', budget?: Budget): TextSourceOfPattern {
  const conditions = new TextConditions(budget).matching(source, flags)
  const generator = conditions.generator()
  const charging = (work: Budget | undefined, make: () => string): string => {
    conditions.charge(work)
    try {
      return make()
    } finally {
      conditions.charge(undefined)
    }
  }
  return {
    generate: (random, work) => charging(work, () => generator.generate(random)),
    smallest: (random, work) => charging(work, () => generator.smallest(random)),
  }
}

/** Conditions on one text, joined by "and": patterns, their opposites, and a range of lengths. */
export class TextConditions {
  readonly #arena: Arena
  readonly #deriver: Deriver
  readonly #nodes: Node[] = []

  /** @param budget pays for the work too */
  constructor(budget?: Budget) {
    this.#arena = new Arena(budget)
    this.#deriver = new Deriver(this.#arena)
  }

  /** From now on another budget pays too, or none. */
  charge(budget: Budget | undefined): void {
    this.#arena.budget.charge(budget)
  }

  /** The whole text matches. */
  matching(source: string, flags = ''): this {
    this.#nodes.push(guarded(source, () => parseRegex(this.#arena, source, flags).node))
    return this
  }

  /** The text contains a match, or with `negate` contains none. */
  containing(source: string, negate = false): this {
    const { node, exact } = guarded(source, () => parseRegex(this.#arena, source, '', true))
    if (negate && !exact) throw new RegexError(`not matching ${JSON.stringify(source)} is not supported`)
    this.#nodes.push(negate ? this.#arena.not(node) : node)
    return this
  }

  /** The text is none of these. */
  except(texts: readonly string[]): this {
    this.#nodes.push(this.#arena.not(this.#arena.alt(texts.map(text => this.#arena.literal(text)))))
    return this
  }

  /** Whether a text fulfils them all. */
  test(text: string): boolean {
    this.#arena.budget.refill()
    return this.#nodes.every(node => this.#deriver.matches(node, text))
  }

  /** Texts of `low` to `high` code points that fulfil them all. */
  generator(low = 0, high = Number.POSITIVE_INFINITY): TextGenerator {
    this.#arena.budget.refill()
    return guarded('', () => new TextGenerator(this.#arena, this.#deriver, this.#arena.and(this.#nodes), low, high))
  }
}

/** Runs a step; what overflows the stack is a pattern that is nested too deeply. */
function guarded<T>(source: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof RangeError) throw new RegexError('the pattern is nested too deeply')
    if (error instanceof RegexError && source !== '') {
      const shown = source.length > 100 ? `${source.slice(0, 100)}…` : source
      throw new RegexError(`regular expression ${JSON.stringify(shown)}: ${error.message}`)
    }
    throw error
  }
}
