import { delay, interToken, load } from './delays.ts'
import type { LatencyModelKind } from './latency-model.ts'

declare module './latency-model.ts' {
  interface LatencyModelNames {
    readonly 'per-token': true
  }
}

/** Prefill time that grows with the prompt tokens that are not cached; transfer time with all of them. */
export const perToken: LatencyModelKind<'per-token'> = {
  name: 'per-token',
  help: 'growing with the prompt',
  create: times => ({
    firstToken(step) {
      if (step.remotePrefill) {
        return delay(step.promptTokens * times.kvTransferTimePerToken, times.kvTransferTimeDeviation, step)
      }
      const tokens = Math.max(0, step.promptTokens - step.cachedTokens)
      const prefill = times.prefillOverhead + tokens * times.prefillTimePerToken
      return delay(prefill * load(times, step), times.prefillTimeDeviation, step)
    },
    interToken: step => interToken(times, step),
  }),
}
