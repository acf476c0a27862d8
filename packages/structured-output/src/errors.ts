/** What a client asked for cannot be produced. The message is meant for the client: what is wrong, where, why. */
export class StructureError extends Error {
  override name = 'StructureError'
}

/** A JSON Schema that is malformed, cannot be satisfied, or is too large or too intricate to be satisfied quickly. */
export class SchemaError extends StructureError {
  override name = 'SchemaError'
  /** JSON pointer (RFC 6901) of the schema at fault, `''` for the whole document. */
  readonly pointer: string

  constructor(message: string, pointer: string) {
    super(pointer === '' ? message : `${message} (at ${pointer})`)
    this.pointer = pointer
  }
}

/** A regular expression that is malformed, matches nothing, or uses what the generator cannot do. */
export class RegexError extends StructureError {
  override name = 'RegexError'
}

/** A grammar that is malformed, derives nothing, or uses what the generator cannot do. */
export class GrammarError extends StructureError {
  override name = 'GrammarError'
}

/** The work that one request may cause is used up. Says nothing about what was being worked on, so it is not remembered. */
export class WorkError extends StructureError {
  override name = 'WorkError'
}

/**
 * A limit on work. Every loop whose length a client decides counts here, so that a hostile schema ends in an error
 * within a fraction of a second instead of in a busy server. Counting, unlike a clock, gives the same answer on
 * every machine. A step is about a microsecond.
 */
export class Budget {
  readonly #steps: number
  readonly #fail: () => Error
  #left: number
  #outer: Budget | undefined

  /**
   * @param steps how much work is allowed
   * @param fail makes the error that is thrown when it is used up
   * @param outer a wider budget, which pays too
   */
  constructor(steps: number, fail: () => Error, outer?: Budget) {
    this.#steps = steps
    this.#left = steps
    this.#fail = fail
    this.#outer = outer
  }

  /** Allows the full amount again, or `steps`: for the next piece of work with the same tables. */
  refill(steps = this.#steps): void {
    this.#left = steps
  }

  /** From now on another wider budget pays too, or none. */
  charge(outer: Budget | undefined): void {
    this.#outer = outer
  }

  /** Steps that are left; below 0 when it is used up. */
  get left(): number {
    return this.#left
  }

  /** Counts `steps` of work. */
  spend(steps = 1): void {
    this.#left -= steps
    if (this.#left < 0) throw this.#fail()
    this.#outer?.spend(steps)
  }
}

/** Steps that all schemas, patterns and grammars of one request may take to be understood, together. */
const REQUEST_STEPS = 50_000

/** The budget of one request: what a transport hands to every `compile…` of that request. */
export function requestBudget(steps = REQUEST_STEPS): Budget {
  return new Budget(
    steps,
    () => new WorkError(`the schemas, patterns and grammars of a request may take ${steps} steps of work together`),
  )
}
