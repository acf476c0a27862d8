import { constant } from './constant.ts'
import type { LatencyModelKind } from './latency-model.ts'
import { perToken } from './per-token.ts'

/** Chooses per delay: the constant form when its option is set, otherwise the per-token form. */
export const automatic: LatencyModelKind<''> = {
  name: '',
  help: 'per delay, by the options that are set',
  create(times) {
    const fixed = constant.create(times)
    const growing = perToken.create(times)
    const prefill = times.timeToFirstToken !== 0 || times.timeToFirstTokenDeviation !== 0 ? fixed : growing
    const transfer = times.kvTransferLatency !== 0 || times.kvTransferLatencyDeviation !== 0 ? fixed : growing
    return {
      firstToken: step => (step.remotePrefill ? transfer : prefill).firstToken(step),
      interToken: fixed.interToken,
    }
  },
}
