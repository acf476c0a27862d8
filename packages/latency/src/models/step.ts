import { constant } from './constant.ts'
import type { LatencyModelKind } from './latency-model.ts'

declare module './latency-model.ts' {
  interface LatencyModelNames {
    readonly step: true
  }
}

/** Sequences share steps, which last as a step profile says; only what is outside of them has times of its own. */
export const step: LatencyModelKind<'step'> = {
  name: 'step',
  help: 'from the steps of the engine, as a step profile says how long they last',
  create: constant.create,
}
