import type { Admission } from './admission.ts'
import type { LoraRegistry } from './lora.ts'
import { type Pacer, type PacerHost, PerSequencePacer } from './pacer.ts'
import { Scheduler } from './scheduler.ts'
import type { Sequence } from './sequence.ts'

/** What admission and pacing need from the engine. */
export interface SchedulingHost extends PacerHost {
  /** Sequences that run at the same time, at least 1. */
  readonly maxNumSeqs: number
  /** Sequences that may wait, at least 0. */
  readonly maxWaiting: number
  readonly loras: LoraRegistry
  /** Whether the KV cache has room for the sequence now. */
  fits(sequence: Sequence): boolean
}

/** Who runs, and when its tokens are due: one choice, because a shared engine step decides both. */
export interface Scheduling {
  readonly admission: Admission
  readonly pacer: Pacer
}

export type SchedulingFactory = (host: SchedulingHost) => Scheduling

/** Slots, and deadlines of its own for each sequence: as llm-d-inference-sim. */
export const perSequence: SchedulingFactory = host => ({
  admission: new Scheduler(host),
  pacer: new PerSequencePacer(host),
})
