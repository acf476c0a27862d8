import type { Random } from '@vllm-sim/latency'
import { Budget, RegexError, SchemaError, StructureError } from '../errors.ts'
import { SchemaDocument } from './document.ts'
import { SchemaGraph, type SchemaNode } from './graph.ts'
import { type Extent, type GeneratorOptions, InstanceMaker } from './instance.ts'
import { MAX_VALUES, Measure } from './measure.ts'
import { Attempt } from './members.ts'

/** The defaults of the reference's `--min-` and `--max-tool-call-*` options. */
export const DEFAULT_GENERATOR_OPTIONS: GeneratorOptions = {
  integers: { min: 0, max: 100 },
  numbers: { min: 0, max: 100 },
  arrayLength: { min: 1, max: 5 },
  optionalParameterPercent: 50,
  optionalFieldPercent: 50,
}

/** Steps of work for compiling a schema: a fraction of a second. */
const STEPS = 50_000
/** Steps for one random instance; what takes more is the same each time. */
const INSTANCE_STEPS = 20_000
/** How many instances are tried before a schema counts as one that cannot be satisfied. */
const ATTEMPTS = 24

/** `SchemaGenerator` options. */
export interface CompileOptions extends Partial<GeneratorOptions> {
  /** Small instances: required members only and short arrays, as structured output wants them. */
  readonly compact?: boolean
  /** The instance has to be an object, whatever else the schema allows: tool arguments always are. */
  readonly object?: boolean
}

/** Makes instances of one schema. Safe to keep and use for many requests: nothing in it depends on who asks. */
export interface SchemaGenerator {
  /** Least number of values that an instance has: itself and everything inside. */
  readonly minSize: number
  /** An instance that was found when the schema was compiled, mostly one of the shortest. Takes no work. */
  readonly known: unknown
  /**
   * A random instance, or the known one where others take too much work. Objects have their members in the order in
   * which the schema declares them. Must not be changed.
   * @param work pays for the work
   */
  generate(random: Random, work?: Budget): unknown
  /** An instance whose JSON is as short as the generator can make it. Must not be changed. */
  smallest(random: Random, work?: Budget): unknown
}

/**
 * Reads a JSON Schema (2020-12, the forms of drafts 4 to 7, and OpenAPI's `nullable`) and finds out whether and how it
 * can be satisfied. The work is limited by count, so that any document is answered within a fraction of a second.
 * @throws SchemaError when the schema is malformed, refers to other documents, cannot be satisfied, requires itself
 * without end, has no instance of at most 1,000 values, or is too intricate.
 * @throws WorkError when `work` is used up
 */
export function compileSchema(schema: unknown, options: CompileOptions = {}, work?: Budget): SchemaGenerator {
  return explained(() => {
    const fail = () => new SchemaError(`the schema takes more than ${STEPS} steps of work to be satisfied`, '')
    const budget = new Budget(STEPS, fail, work)
    const document = new SchemaDocument(schema, budget)
    const graph = new SchemaGraph(document, budget)
    return new Generator(graph, graph.node(options.object ? [document.root, { type: 'object' }] : [document.root]), {
      ...DEFAULT_GENERATOR_OPTIONS,
      ...options,
    })
  })
}

/** Turns what may be thrown on the way into the error for the client. */
function explained<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof RangeError) throw new SchemaError('the schema is nested too deeply', '')
    if (error instanceof RegexError) throw new SchemaError(error.message, '')
    throw error
  }
}

class Generator implements SchemaGenerator {
  readonly #graph: SchemaGraph
  readonly #measure: Measure
  readonly #root: SchemaNode
  readonly #options: GeneratorOptions
  readonly #usual: Extent
  readonly known: unknown

  constructor(graph: SchemaGraph, root: SchemaNode, options: GeneratorOptions & { compact?: boolean }) {
    this.#graph = graph
    this.#root = root
    this.#options = options
    this.#usual = options.compact ? 'small' : 'usual'
    this.#measure = new Measure(graph)
    const size = this.#measure.size(root)
    if (size === Number.POSITIVE_INFINITY) throw this.#measure.explain(root)
    if (size > MAX_VALUES) {
      throw new SchemaError(`the smallest instance has more than ${MAX_VALUES} values`, '')
    }
    const random = new Counter()
    const found = this.#try(random, ['smallest', 'small', 'smallest', 'usual'])
    if (!found) throw new SchemaError('no instance was found that fulfils every keyword of the schema', '')
    this.known = found.value
  }

  get minSize(): number {
    return this.#measure.size(this.#root)
  }

  generate(random: Random, work?: Budget): unknown {
    return this.#safely(random, [this.#usual, 'usual', 'small', 'smallest'], work)
  }

  smallest(random: Random, work?: Budget): unknown {
    return this.#safely(random, ['smallest', 'smallest', 'small'], work)
  }

  /** An instance, and if chance or the limit of work prevents it, the one that is known. */
  #safely(random: Random, extents: readonly Extent[], work: Budget | undefined): unknown {
    const { budget } = this.#graph
    budget.refill(INSTANCE_STEPS)
    budget.charge(work)
    try {
      const found = this.#try(random, extents)
      if (found) return found.value
    } catch (error) {
      if (!(error instanceof StructureError || error instanceof RangeError)) throw error
    } finally {
      budget.charge(undefined)
    }
    return this.known
  }

  #try(random: Random, extents: readonly Extent[]): { value: unknown } | undefined {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const extent = extents[attempt === 0 ? 0 : attempt % extents.length]!
      const options =
        attempt % 3 === 2 ? { ...this.#options, optionalParameterPercent: 30, optionalFieldPercent: 30 } : this.#options
      try {
        const value = new InstanceMaker(this.#graph, this.#measure, options, random, extent, this.#root).make(
          this.#root,
        )
        if (this.#graph.valid(this.#root, value)) return { value }
      } catch (error) {
        if (!(error instanceof Attempt)) throw error
      }
    }
    return undefined
  }
}

/** Numbers for the trial instances at compile time, which must not depend on chance: a Weyl sequence. */
class Counter implements Random {
  #at = 0

  next(): number {
    this.#at = (this.#at + 0.6180339887498949) % 1
    return this.#at
  }

  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(percent: number): boolean {
    return this.next() * 100 < percent
  }

  normal(mean: number): number {
    return mean
  }
}
