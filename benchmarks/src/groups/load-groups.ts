import type { MetricName } from '../report/metrics.ts'
import type { Group } from './sample.ts'
import { type Load, type Step, serverGroup } from './server-group.ts'

const atOnce = { ttft: 0, itl: 0 }
const firstToken = 50

export const unaryFigures: readonly MetricName[] = ['requestsPerSecond', 'cpuPerRequest', 'p50', 'p99', 'serverRss']
const streamFigures: readonly MetricName[] = ['chunksPerSecond', 'cpuPerChunk', 'kernelPerChunk', 'ttftOverP50']
const pacedFigures: readonly MetricName[] = [
  'cpuPerChunk',
  'kernelPerChunk',
  'ttftOverP50',
  'ttftOverP99',
  'lateP50',
  'lateP99',
  'lateMax',
  'overdueP50',
  'overdueP99',
  'driftPercent',
  'serverRss',
]

const unary = serverGroup('unary', 'answers that are not streamed: requests/s, CPU and latency', ({ seconds }) => {
  const load: Load = { mode: 'unary', count: 32, tokens: 16, seconds }
  return [
    {
      setting: atOnce,
      warm: { ...load, seconds: 1 },
      steps: [{ title: 'unary, 32 connections, 16 tokens', load, shown: unaryFigures }],
    },
  ]
})

function unpaced(name: string, count: number, tokens: number, rounds: number): Group {
  return serverGroup(name, `streams of ${tokens} tokens as fast as they go`, () => {
    const load: Load = { mode: 'stream', count, tokens, rounds }
    const title = `streams of ${tokens} tokens, unpaced, ${count} connections`
    return [{ setting: atOnce, warm: { ...load, rounds: 3 }, steps: [{ title, load, shown: streamFigures }] }]
  })
}

/** Streams at `itl` milliseconds that last as long as the measurement. */
export function pacedStep(count: number, itl: number, seconds: number): Step {
  const tokens = Math.round((seconds * 1000) / itl)
  return {
    title: `${count} streams × ${itl} ms, ${tokens} tokens`,
    load: { mode: 'stream', count, tokens, ttft: firstToken, itl },
    shown: pacedFigures,
    warmBoth: true,
  }
}

const paced = serverGroup('paced', 'paced streams: lateness, drift, CPU per chunk', ({ seconds }) =>
  [
    { itl: 10, counts: [50] },
    { itl: 20, counts: [100, 500, 1000, 2000] },
  ].map(({ itl, counts }) => ({
    setting: { ttft: firstToken, itl },
    steps: counts.map(count => pacedStep(count, itl, seconds)),
  })),
)

export const loadGroups: readonly Group[] = [unary, unpaced('s64', 32, 64, 60), unpaced('s1000', 8, 1000, 20), paced]
