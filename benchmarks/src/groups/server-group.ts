import type { LoadOptions, LoadResult } from '../load/command.ts'
import { untilQuiet } from '../measure/machine.ts'
import type { MetricName } from '../report/metrics.ts'
import { runLoad } from '../servers/client.ts'
import { type RunningServer, start } from '../servers/start.ts'
import { bare, ours, type Setting, type System } from '../servers/systems.ts'
import type { Bench, Group, Sample } from './sample.ts'

/** One call of the load client; `url` and `pid` are those of the server under test. */
export type Load = Omit<LoadOptions, 'url' | 'pid'>

/** One measurement and the figures of it that are shown. */
export interface Step {
  readonly title: string
  readonly load: Load
  readonly shown: readonly MetricName[]
  /** Client and server read and serve short streams first: what is measured is how late a server is, not cold code. */
  readonly warmBoth?: boolean
}

/** A server with one setting and what is measured on it, in this order. */
export interface Case {
  readonly setting: Setting
  /** Load beforehand, so that no code is cold. */
  readonly warm?: Load
  readonly steps: readonly Step[]
  /** Servers without gRPC do not take part. */
  readonly withGrpc?: boolean
  /** Only vllm-sim can do this. */
  readonly oursOnly?: boolean
}

/** A group whose cases start every system in turn, so that what disturbs falls on all of them. */
export function serverGroup(name: string, about: string, cases: (bench: Bench) => readonly Case[]): Group {
  return {
    name,
    about,
    async run(bench, round) {
      for (const one of cases(bench)) {
        for (const system of bench.systems) {
          if (fits(system, one)) await runCase(name, one, system, bench, round)
        }
      }
    },
  }
}

/** A server that runs already takes part where its timing is the wanted one. */
function fits(system: System, { setting, oursOnly, withGrpc }: Case): boolean {
  if (withGrpc && system.name === bare.name) return false
  if (oursOnly && system.name !== ours.name) return false
  return !system.url || (system.pace?.ttft === setting.ttft && system.pace.itl === setting.itl)
}

async function runCase(group: string, one: Case, system: System, bench: Bench, round: number): Promise<void> {
  const titles = one.steps.map(step => step.title)
  const failed = (at: number, error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error)
    for (const title of titles.slice(at)) bench.emit(failure(group, title, system, round, reason))
  }
  let server: RunningServer
  try {
    server = await start(system, one.setting)
  } catch (error) {
    failed(0, error)
    return
  }
  let at = 0
  try {
    const target = { url: server.url.href, ...(server.pid > 0 ? { pid: server.pid } : undefined) }
    if (one.warm) await runLoad({ ...target, ...one.warm })
    for (; at < one.steps.length; at++) {
      const { title, load, shown, warmBoth } = one.steps[at]!
      await untilQuiet()
      const result = await runLoad({ ...target, ...load, ...(warmBoth ? { warm: target.url } : undefined) })
      bench.emit(sampleOf(group, title, system, round, bench.noiseLimit, result, shown))
    }
  } catch (error) {
    failed(at, error)
  } finally {
    await server.stop()
  }
}

/** The shown figures of a measurement, and always its errors and what the client used. */
export function sampleOf(
  group: string,
  title: string,
  system: System,
  round: number,
  noiseLimit: number,
  result: LoadResult,
  shown: readonly MetricName[],
): Sample {
  const errors = result.errors + (result.disturbance?.errors ?? 0)
  const found: Partial<Record<string, unknown>> = { ...result, prompts: result.disturbance?.prompts, errors }
  const values: Partial<Record<MetricName, number>> = {}
  for (const name of [...shown, 'errors', 'clientCores'] as const) {
    const value = found[name]
    if (typeof value === 'number') values[name] = value
  }
  const problems = [result.problems, result.disturbance?.problems].filter(Boolean).join(', ')
  if (problems) process.stderr.write(`${group}, ${title}, ${system.name}: ${problems}\n`)
  return {
    group,
    title,
    system: system.name,
    round,
    values,
    noisy: (result.otherCores ?? 0) > noiseLimit,
    loadAverage: result.loadAverage,
  }
}

export function failure(group: string, title: string, system: System, round: number, reason: string): Sample {
  return { group, title, system: system.name, round, values: {}, noisy: false, loadAverage: Number.NaN, failed: reason }
}
