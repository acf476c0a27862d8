import { loadavg } from 'node:os'
import type { EngineFigures } from '../engine/figures.ts'
import type { MetricName } from '../report/metrics.ts'
import { runSelf } from '../servers/client.ts'
import { pacedStep } from './load-groups.ts'
import type { Group } from './sample.ts'
import { serverGroup } from './server-group.ts'

/** Ids of a prompt of a million bytes take this much context at most. */
const largeContext = 1_000_000
const idle = { ttft: 0, itl: 0 }

const chunks = serverGroup('growth-chunks', 'CPU per chunk from 10 to 2,000 streams', ({ seconds }) => [
  {
    setting: { ttft: 50, itl: 20 },
    steps: [10, 50, 200, 1000, 2000].map(count => ({
      // Few streams need longer until their CPU time can be told from that of doing nothing.
      ...pacedStep(count, 20, count < 100 ? 2 * seconds : seconds),
      shown: ['cpuPerChunk', 'kernelPerChunk', 'overdueP99'] satisfies MetricName[],
    })),
  },
])

const connect = serverGroup('growth-connect', '1,000 connections opened at once', () => [
  {
    setting: idle,
    warm: { mode: 'connect', count: 20 },
    steps: [
      {
        title: '1,000 connections at once, GET /health on each',
        load: { mode: 'connect', count: 1000 },
        shown: ['connections', 'retried', 'overflows', 'establishedP50', 'establishedMax', 'answeredMax'],
      },
    ],
  },
])

const connections = serverGroup('growth-idle', 'memory of 10,000 idle keep-alive connections', () => [
  {
    setting: idle,
    steps: [
      {
        title: '10,000 idle keep-alive connections',
        load: { mode: 'idle', count: 10_000 },
        shown: ['connections', 'serverRss', 'kilobytesEach'],
      },
    ],
  },
])

const queue = serverGroup('growth-queue', 'requests that wait, over HTTP', () =>
  [1000, 5000].map(count => ({
    // One slot, taken by a request that lasts longer than this; the others wait.
    setting: { ttft: 600_000, itl: 20, slots: 1, waiting: 20_000 },
    oursOnly: true,
    warm: { mode: 'queue', count: 100 },
    steps: [
      {
        title: `${count} requests wait, one connection each`,
        load: { mode: 'queue', count },
        shown: [
          'waiting',
          'submitMicroseconds',
          'submitCpu',
          'abortMicroseconds',
          'abortCpu',
          'kilobytesEach',
        ] satisfies MetricName[],
      },
    ],
  })),
)

const prompt = serverGroup('growth-prompt', 'what a prompt of 1 MB does to running streams', ({ seconds }) => {
  const step = pacedStep(50, 10, seconds)
  const shown: readonly MetricName[] = ['overdueP50', 'overdueP99', 'overdueMax', 'lateMax', 'prompts']
  return [
    {
      setting: { ttft: 50, itl: 10, context: largeContext },
      warm: { ...step.load, tokens: 50, disturb: 1_000_000 },
      steps: [
        { ...step, shown },
        {
          ...step,
          title: `${step.title}, and five prompts of 1 MB a second`,
          load: { ...step.load, disturb: 1_000_000 },
          shown,
        },
      ],
    },
  ]
})

/** Longest time of one of them, milliseconds. */
const engineLimit = 120_000

const engine: Group = {
  name: 'growth-engine',
  about: 'the engine alone on the virtual clock: waiting requests, tokens, prefix reuse',
  async run(bench, round) {
    for (const part of ['queue', 'tokens', 'prefix']) {
      const figures = await runSelf<EngineFigures[]>(['engine', part], engineLimit, ['--expose-gc'])
      for (const { title, values } of figures) {
        bench.emit({
          group: this.name,
          title,
          system: 'engine',
          round,
          values,
          noisy: false,
          loadAverage: loadavg()[0]!,
        })
      }
    }
  },
}

export const growthGroups: readonly Group[] = [chunks, connect, connections, queue, prompt, engine]
