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

/**
 * A limit on work. Every loop whose length a client decides counts here, so that a hostile schema ends in an error
 * within a fraction of a second instead of in a busy server. Counting, unlike a clock, gives the same answer on
 * every machine.
 */
export class Budget {
  readonly #steps: number
  #left: number
  readonly #fail: () => Error

  /** `steps`: how much work is allowed; `fail` makes the error that is thrown when it is used up. */
  constructor(steps: number, fail: () => Error) {
    this.#steps = steps
    this.#left = steps
    this.#fail = fail
  }

  /** Allows the full amount again: for the next piece of work with the same tables. */
  refill(): void {
    this.#left = this.#steps
  }

  /** Counts `steps` of work. */
  spend(steps = 1): void {
    this.#left -= steps
    if (this.#left < 0) throw this.#fail()
  }
}
