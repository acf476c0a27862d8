import type { Sequence } from './sequence.ts'

/** Decides which sequence gets a slot, and when. */
export interface Admission {
  /** Sequences that run. */
  readonly running: number
  /** Sequences that wait. */
  readonly waiting: number
  /** Whether `count` more sequences of this adapter can run or wait. */
  accepts(count: number, lora: string | undefined): boolean
  /** Takes a new sequence. @returns true when it runs now; false when it was put into the queue */
  add(sequence: Sequence): boolean
  /** Puts a new sequence into the queue, whether it could run or not. */
  enqueue(sequence: Sequence): void
  /** Takes the sequence that should run next out of the queue, if one can. */
  next(): Sequence | undefined
  /** Takes a waiting sequence out. */
  withdraw(sequence: Sequence): void
  /** A running sequence ended. */
  release(sequence: Sequence): void
}
