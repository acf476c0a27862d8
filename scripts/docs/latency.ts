import { markdownTable as table } from '../../packages/config/src/index.ts'
import {
  type LatencyOptions,
  type LatencyStep,
  latencyModel,
  noLatency,
  seededRandom,
} from '../../packages/latency/src/index.ts'

const none: LatencyOptions = { ...noLatency, maxNumSeqs: 5 }

const prefill = { prefillOverhead: 30, prefillTimePerToken: 0.25 }
const halfLoad = { timeFactorUnderLoad: 2 }

interface Case {
  readonly given: string
  readonly options: Partial<LatencyOptions>
  readonly running?: number
  /** Time to the first token of this; without it the time between tokens. */
  readonly work?: Partial<LatencyStep>
}

/** The cases of the page. */
const cases: readonly Case[] = [
  {
    given: '`time-to-first-token` 42 ms, factor 1.5, 35 of 70 run',
    options: { timeToFirstToken: 42, timeFactorUnderLoad: 1.5, maxNumSeqs: 70 },
    running: 35,
    work: {},
  },
  { given: 'overhead 30 ms, 250 µs per token, prompt of 256', options: prefill, work: { promptTokens: 256 } },
  { given: 'the same, 64 of them cached', options: prefill, work: { promptTokens: 256, cachedTokens: 64 } },
  {
    given: 'the same, none cached, factor 2, 2 of 5 run',
    options: { ...prefill, ...halfLoad },
    running: 2,
    work: { promptTokens: 256 },
  },
  { given: '`inter-token-latency` 12.9 ms', options: { interTokenLatency: 12.9 } },
  { given: '`inter-token-latency` 750 µs', options: { interTokenLatency: 0.75 } },
  { given: 'the same, factor 2, 3 of 5 run', options: { interTokenLatency: 0.75, ...halfLoad }, running: 3 },
  {
    given: 'transfer 3 µs per token, prompt of 1,024',
    options: { kvTransferTimePerToken: 0.003 },
    work: { promptTokens: 1024, remotePrefill: true },
  },
  {
    given: 'transfer 125 µs per token, prompt of 100, factor 2, 5 of 5 run',
    options: { kvTransferTimePerToken: 0.125, ...halfLoad },
    running: 5,
    work: { promptTokens: 100, remotePrefill: true },
  },
  {
    given: '`prefill-time-std-dev` 50 ms and nothing else',
    options: { prefillTimeDeviation: 50 },
    work: { promptTokens: 100 },
  },
]

/** What the latency model makes of some options. */
export function latencyTable(): string {
  const random = seededRandom(1)
  const rows = cases.map(({ given, options, running = 1, work }) => {
    const model = latencyModel({ ...none, ...options })
    const step: LatencyStep = {
      running,
      waiting: 0,
      promptTokens: 0,
      cachedTokens: 0,
      contextTokens: 0,
      outputTokens: 0,
      remotePrefill: false,
      random,
      ...work,
    }
    const delay = work ? model.firstToken(step) : model.interToken(step)
    return [given, work ? 'first token' : 'between tokens', `${Number(delay.toFixed(3))} ms`]
  })
  return table(['given', 'delay', 'is'], rows)
}
