import type { ObservedSequence } from '@vllm-sim/core-engine'
import { request } from '../engine/build.ts'
import { metricsObserver } from '../engine/tokens.ts'
import { type MicroCase, sink } from './case.ts'

/** Sequences that get a token in one wake-up. */
const sequences = 2000

/** All metrics of one token. */
export function metricsCase(): MicroCase {
  const observer = metricsObserver()
  const observed: ObservedSequence[] = Array.from({ length: sequences }, (_, at) => ({
    request: request([1], 100, 0),
    index: 0,
    promptTokens: 100,
    cachedTokens: 16,
    generatedTokens: 10,
    arrivedAt: 0,
    queuedAt: -1,
    startedAt: 0,
    firstTokenAt: 50,
    lastTokenAt: 100 + (at % 64),
  }))
  const counts = new Float64Array(32)
  return {
    operation: 'metrics of a token',
    against: 'count in an array',
    run(count) {
      for (let done = 0, now = 180; done < count; done += sequences, now++) {
        for (const sequence of observed) observer.onTokens!(sequence, 1, now)
      }
    },
    baseline(count) {
      for (let done = 0, now = 180; done < count; done += sequences, now++) {
        for (const sequence of observed) counts[(now - sequence.lastTokenAt) & 31]!++
      }
      sink.value = counts[0]
    },
  }
}
