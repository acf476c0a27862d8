/** Something that wants to run at an absolute time. The timeline owns `due`, `slot` and `order` while it is scheduled. */
export abstract class Deadline {
  /** Absolute time in milliseconds of the clock; 0 while deferred. */
  due = 0
  /** Place in the heap, -1 when not scheduled. */
  slot = -1
  /** Ties run in the order in which they were scheduled. */
  order = 0

  /**
   * Runs once, when due.
   * @param now the time at which it was found due, the same for all that were found due together
   */
  abstract onDue(now: number): void
}
