import type { LoadResult } from '../load/command.ts'
import { untilQuiet } from '../measure/machine.ts'
import { processUsage } from '../measure/process-usage.ts'
import type { MetricName } from '../report/metrics.ts'
import { runLoad } from '../servers/client.ts'
import { otherSidecar, ourSidecar } from '../servers/sidecars.ts'
import { type RunningServer, start } from '../servers/start.ts'
import { bare, type Setting, type System } from '../servers/systems.ts'
import type { Bench, Group } from './sample.ts'
import { failure, type Load, sampleOf } from './server-group.ts'

/** Where the load goes in front of the sidecars' columns. */
const direct: System = { name: 'direct' }

/** What a sidecar adds: the figure through it minus the one of the decoder itself. */
const added: Partial<Record<MetricName, keyof LoadResult>> = {
  addedP50: 'p50',
  addedTtftP50: 'ttftOverP50',
  addedLateP99: 'lateP99',
}

interface Step {
  readonly title: string
  readonly load: Load
  readonly shown: readonly MetricName[]
  /** Requests name a prefiller; its own time counts as the decoder's. */
  readonly prefills?: boolean
}

interface Case {
  readonly setting: Setting
  readonly steps: readonly Step[]
}

const atOnce = { ttft: 0, itl: 0 }
const paced = { ttft: 50, itl: 20 }

function cases(seconds: number): readonly Case[] {
  const tokens = Math.round((seconds * 1000) / paced.itl)
  const streams = (count: number): Step => ({
    title: `${count} streams × 20 ms, ${tokens} tokens`,
    load: { mode: 'stream', count, tokens, ...paced },
    shown: ['cpuPerChunk', 'lateP99', 'addedLateP99', 'serverRss'],
  })
  /** A hundred requests a second. */
  const arrivals: Load = { mode: 'stream', count: 100 * seconds, spread: 1000 * seconds, tokens: 4, ...paced }
  const firstToken: readonly MetricName[] = ['ttftOverP50', 'addedTtftP50']
  return [
    {
      setting: paced,
      steps: [
        streams(100),
        streams(1000),
        { title: 'first token at 100 requests/s, decode only', load: arrivals, shown: firstToken },
        {
          title: 'first token at 100 requests/s, prefill and decode',
          load: arrivals,
          shown: firstToken,
          prefills: true,
        },
      ],
    },
    {
      setting: atOnce,
      steps: [
        {
          title: 'streams of 1000 tokens, unpaced, 8 connections',
          load: { mode: 'stream', count: 8, tokens: 1000, rounds: 20 },
          shown: ['chunksPerSecond', 'cpuPerChunk', 'kernelPerChunk'],
        },
        {
          title: 'prefill and decode of 16 tokens, 32 in flight',
          load: { mode: 'unary', count: 32, tokens: 16, seconds },
          shown: ['requestsPerSecond', 'cpuPerRequest', 'p50', 'p99', 'addedP50', 'serverRss'],
          prefills: true,
        },
      ],
    },
  ]
}

/**
 * Sidecars between a prefilling and a decoding server that cost next to nothing: what they add, and their CPU time alone. In
 * each round the load goes to the decoder itself first and then through each of them.
 */
export const pdGroup: Group = {
  name: 'pd',
  about: 'the P/D sidecar: CPU per chunk, what it adds to the first token, requests/s',
  async run(bench, round) {
    for (const one of cases(bench.seconds)) {
      const decoder = await start(bare, one.setting)
      const prefiller = await start(bare, atOnce)
      try {
        await runCase(one, { decoder, prefiller }, bench, round)
      } finally {
        await Promise.all([decoder.stop(), prefiller.stop()])
      }
    }
  },
}

interface Servers {
  readonly decoder: RunningServer
  readonly prefiller: RunningServer
}

async function runCase({ setting, steps }: Case, servers: Servers, bench: Bench, round: number): Promise<void> {
  const { decoder } = servers
  const directly = new Map<Step, LoadResult>()
  for (const step of steps) {
    const result = await measure(step, decoder, servers, false)
    directly.set(step, result)
    bench.emit(sampleOf('pd', step.title, direct, round, bench.noiseLimit, result, step.shown))
  }
  const port = Number(decoder.url.port)
  const { template } = bench.systems.find(system => system.template !== undefined) ?? {}
  for (const system of [ourSidecar(port), ...(template === undefined ? [] : [otherSidecar(template, port)])]) {
    let sidecar: RunningServer | undefined
    try {
      sidecar = await start(system, setting)
      emitStart(system, sidecar, bench, round)
      for (const step of steps) {
        const result = await measure(step, sidecar, servers, true)
        const sample = sampleOf('pd', step.title, system, round, bench.noiseLimit, result, step.shown)
        bench.emit({ ...sample, values: { ...sample.values, ...differences(step, result, directly.get(step)!) } })
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      for (const { title } of steps) bench.emit(failure('pd', title, system, round, reason))
    } finally {
      await sidecar?.stop()
    }
  }
}

function emitStart(system: System, { pid, startMilliseconds }: RunningServer, bench: Bench, round: number): void {
  const idleRss = processUsage(pid)?.rss
  bench.emit({
    group: 'pd',
    title: 'from the command to ready',
    system: system.name,
    round,
    values: { startMilliseconds, ...(idleRss === undefined ? undefined : { idleRss }) },
    noisy: false,
    loadAverage: Number.NaN,
  })
}

/** @param through a sidecar; otherwise a prefill is measured by itself and added */
async function measure(
  { load, prefills }: Step,
  to: RunningServer,
  { prefiller }: Servers,
  through: boolean,
): Promise<LoadResult> {
  const target = { url: to.url.href, ...(through ? { pid: to.pid } : undefined) }
  const header = through && prefills ? { header: `x-prefiller-host-port: ${prefiller.url.host}` } : undefined
  // No code is cold, neither here nor there.
  await runLoad({
    ...target,
    ...load,
    ...header,
    ...(load.mode === 'unary' ? { seconds: 1 } : { tokens: 20, rounds: 1 }),
  })
  await untilQuiet()
  const result = await runLoad({ ...target, ...load, ...header })
  if (through || !prefills) return result
  const prefill = await runLoad({ url: prefiller.url.href, mode: 'unary', count: 1, tokens: 1, seconds: 1 })
  const plus = (value: number | undefined): number => (value ?? Number.NaN) + (prefill.p50 ?? Number.NaN)
  return { ...result, p50: plus(result.p50), ttftOverP50: plus(result.ttftOverP50) }
}

function differences({ shown }: Step, through: LoadResult, directly: LoadResult): Partial<Record<MetricName, number>> {
  const values: Partial<Record<MetricName, number>> = {}
  for (const name of shown) {
    const figure = added[name]
    if (figure) values[name] = Number(through[figure]) - Number(directly[figure])
  }
  return values
}
