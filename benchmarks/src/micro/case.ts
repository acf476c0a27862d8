/**
 * A hot piece of the server and, beside it, about the least that its job could cost. Both are timed in the same process
 * and in turns, so that their ratio says something on another machine too.
 */
export interface MicroCase {
  /** What one operation is. */
  readonly operation: string
  /** What one operation of the baseline is. */
  readonly against: string
  /** Does the work `count` times. */
  run(count: number): void | Promise<void>
  /** Does the baseline's work `count` times. */
  baseline(count: number): void | Promise<void>
}

/** Results go here, so that no loop is optimized away. */
export const sink = { value: 0 as unknown }
