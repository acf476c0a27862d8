import { loadavg } from 'node:os'
import type { LoadOptions } from '../load/command.ts'
import { untilQuiet, watchOthers } from '../measure/machine.ts'
import { processUsage } from '../measure/process-usage.ts'
import { runLoad } from '../servers/client.ts'
import { freePort, launch, start } from '../servers/start.ts'
import { bare, oursBuilt, type Setting, type System } from '../servers/systems.ts'
import type { Bench, Group } from './sample.ts'
import { failure, sampleOf } from './server-group.ts'

const setting: Setting = { ttft: 50, itl: 20 }
const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Runs `measure` for every system that this program starts and reports what went wrong. */
function startGroup(
  name: string,
  about: string,
  title: string,
  measure: (system: System, bench: Bench, round: number) => Promise<void>,
  more: readonly System[] = [],
): Group {
  return {
    name,
    about,
    async run(bench, round) {
      for (const system of [...bench.systems, ...more]) {
        if (system.url) continue
        await untilQuiet()
        try {
          await measure(system, bench, round)
        } catch (error) {
          bench.emit(failure(name, title, system, round, error instanceof Error ? error.message : String(error)))
        }
      }
    },
  }
}

const startTitle = 'from the command to ready'
const startUp = startGroup(
  'start',
  'time from the command to ready, and idle memory',
  startTitle,
  async (system, bench, round) => {
    const others = watchOthers()
    const server = await start(system, setting)
    const usage = processUsage(server.pid)
    const otherCores = others(usage?.cpu ?? 0)
    await pause(500)
    const idleRss = processUsage(server.pid)?.rss
    await server.stop()
    bench.emit({
      group: 'start',
      title: startTitle,
      system: system.name,
      round,
      values: { startMilliseconds: server.startMilliseconds, ...(idleRss === undefined ? undefined : { idleRss }) },
      noisy: (otherCores ?? 0) > bench.noiseLimit,
      loadAverage: loadavg()[0]!,
    })
  },
  oursBuilt ? [oursBuilt] : [],
)

const memoryTitle = '2,000 streams × 20 ms, 100 tokens, on a fresh server'
const memory = startGroup('memory', 'memory after 2,000 streams', memoryTitle, async (system, bench, round) => {
  const server = await start(system, setting)
  try {
    await pause(300)
    const idleRss = processUsage(server.pid)?.rss ?? Number.NaN
    const load: LoadOptions = {
      url: server.url.href,
      pid: server.pid,
      mode: 'stream',
      count: 2000,
      tokens: 100,
      ...setting,
    }
    const result = await runLoad(load)
    await pause(3000)
    const sample = sampleOf('memory', memoryTitle, system, round, bench.noiseLimit, result, ['serverRss'])
    bench.emit({
      ...sample,
      values: { idleRss, ...sample.values, restRss: processUsage(server.pid)?.rss ?? Number.NaN },
    })
  } finally {
    await server.stop()
  }
})

const burstTitle = '500 streams within 140 ms, right after ready'
/** The client runs, warmed up on another server, before the server under test is started. */
const burst = startGroup('burst', 'the first streams after a start', burstTitle, async (system, bench, round) => {
  const partner = await start(bare, setting)
  const port = await freePort()
  const client = runLoad({
    url: `http://127.0.0.1:${port}`,
    mode: 'stream',
    count: 500,
    spread: 140,
    tokens: 20,
    ...setting,
    warm: partner.url.href,
    await: `http://127.0.0.1:${port}`,
  })
  // Handled below; until then it must not count as nobody's.
  client.catch(() => {})
  // Three rounds of warm-up, of which the last token is due after spread + ttft + 10 * itl, and the client's start.
  await pause(3 * (140 + 50 + 200) + 1000)
  const others = watchOthers()
  const server = launch(system, port, setting)
  try {
    const result = await client
    const own = processUsage(server.pid)?.cpu ?? 0
    const otherCores = others(own + result.clientCores * result.seconds) ?? 0
    const shown = ['ttftOverP50', 'ttftOverP99', 'ttftOverMax', 'lateP99'] as const
    bench.emit(sampleOf('burst', burstTitle, system, round, bench.noiseLimit, { ...result, otherCores }, shown))
  } finally {
    await server.stop()
    await partner.stop()
  }
})

export const startGroups: readonly Group[] = [burst, memory, startUp]
