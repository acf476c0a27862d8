import { delay, interToken, load } from './delays.ts'
import type { LatencyModelKind } from './latency-model.ts'

declare module './latency-model.ts' {
  interface LatencyModelNames {
    readonly constant: true
  }
}

/** A time to first token, or a transfer time, that does not depend on the prompt. */
export const constant: LatencyModelKind<'constant'> = {
  name: 'constant',
  help: 'the same for every prompt',
  create: times => ({
    firstToken: step =>
      step.remotePrefill
        ? delay(times.kvTransferLatency, times.kvTransferLatencyDeviation, step)
        : delay(times.timeToFirstToken * load(times, step), times.timeToFirstTokenDeviation, step),
    interToken: step => interToken(times, step),
  }),
}
