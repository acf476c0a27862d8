import { globSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { growthGroups } from './groups/growth-groups.ts'
import { grpcGroups } from './groups/grpc-groups.ts'
import { loadGroups } from './groups/load-groups.ts'
import { runMicro } from './groups/micro-group.ts'
import { pdGroup } from './groups/pd-group.ts'
import type { Group, Sample } from './groups/sample.ts'
import { startGroups } from './groups/start-groups.ts'
import { doubled, readRatios, writeRatios } from './micro/baseline.ts'
import type { MicroResult } from './micro/measure.ts'
import { help, type Options, readOptions } from './options.ts'
import { microReport } from './report/micro-table.ts'
import { report } from './report/table.ts'

const groups: readonly Group[] = [...loadGroups, ...startGroups, ...growthGroups, ...grpcGroups, pdGroup]
const microAbout = 'ns of each hot piece beside a baseline'

const print = (text: string): void => void process.stdout.write(`${text}\n`)
const tell = (text: string): void => void process.stderr.write(`${text}\n`)

/** Runs what the command line asks for. */
export async function bench(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv)
  if (options.help) {
    print(help)
    return
  }
  if (options.list) {
    for (const { name, about } of groups) print(`${name.padEnd(16)}${about}`)
    print(`${'micro'.padEnd(16)}${microAbout}`)
    print('\nMore about single packages, each run with node:')
    for (const script of packageScripts()) print(`  ${script}`)
    return
  }
  const { chosen, micro } = choose(options.only)
  const begun = new Date()
  const samples = await measure(chosen, options)
  const microResults = micro ? await runMicro() : new Map<string, MicroResult>()
  const machine = { date: begun.toISOString(), node: process.version, cores: availableParallelism() }
  if (options.json) print(JSON.stringify({ ...machine, samples, micro: Object.fromEntries(microResults) }))
  else {
    print(`${machine.date.slice(0, 10)}, Node ${machine.node}, ${machine.cores} cores, ${options.rounds} rounds\n`)
    if (samples.length > 0) print(report(samples))
    if (micro) print(microReport(microResults))
  }
  if (options.updateBaseline) writeRatios(microResults)
  if (options.check) check(microResults)
}

/** Scripts of packages that measure what only their own code can reach, or compare it with other libraries. */
function packageScripts(): string[] {
  return globSync('packages/*/scripts/bench*.ts', { cwd: new URL('../../', import.meta.url) }).sort()
}

function choose(only: readonly string[]): { chosen: readonly Group[]; micro: boolean } {
  const wanted = (name: string): boolean => only.length === 0 || only.some(one => name.startsWith(one))
  for (const one of only) {
    if (!['micro', ...groups.map(({ name }) => name)].some(name => name.startsWith(one))) {
      throw new Error(`--only: there is no group ${JSON.stringify(one)}; --list names them`)
    }
  }
  return { chosen: groups.filter(({ name }) => wanted(name)), micro: wanted('micro') }
}

async function measure(chosen: readonly Group[], options: Options): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  const emit = (sample: Sample): void => {
    samples.push(sample)
    const figures = Object.entries(sample.values).map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
    tell(
      `${sample.group} | ${sample.title} | ${sample.system} | ${sample.failed ?? figures.join(', ')}${sample.noisy ? ' | DISTURBED' : ''}`,
    )
  }
  for (let round = 1; round <= options.rounds && chosen.length > 0; round++) {
    tell(`round ${round} of ${options.rounds}, load average ${loadavg()[0]!.toFixed(2)}`)
    for (const group of chosen) {
      try {
        await group.run({ ...options, emit }, round)
      } catch (error) {
        // One group that cannot run here, for want of file descriptors say, does not take the others with it.
        tell(`${group.name} failed: ${error instanceof Error ? error.message : String(error)}`)
        process.exitCode = 1
      }
    }
  }
  return samples
}

function check(results: ReadonlyMap<string, MicroResult>): void {
  const lines = doubled(results, readRatios())
  for (const line of lines) tell(line)
  tell(lines.length === 0 ? 'no micro-benchmark has doubled' : `${lines.length} have doubled`)
  if (lines.length > 0) process.exitCode = 1
}
