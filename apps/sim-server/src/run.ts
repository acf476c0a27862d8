import { ConfigError } from '@vllm-sim/config'
import { RealClock } from '@vllm-sim/core-engine'
import type { Tokenizer } from '@vllm-sim/tokenizer'
import { fetchDataset } from './assemble/dataset.ts'
import { type Running, serve } from './assemble/serve.ts'
import { openTokenizer } from './assemble/tokenizer.ts'
import { type Config, type LoadResult, loadConfig, startError } from './config/index.ts'
import { PortFile } from './listener/port-file.ts'
import { tryPorts } from './listener/trial.ts'
import { createLog, type Logger } from './observability/log.ts'
import { logConfiguration } from './observability/start-log.ts'
import { Cleanup } from './process/cleanup.ts'
import { handleCrashes } from './process/crash.ts'
import { print } from './process/output.ts'
import { StartError } from './process/start-error.ts'
import type { StopSignal } from './process/stop-signal.ts'
import { tuneCompiler } from './process/tune-compiler.ts'
import { version } from './version.ts'

const exit = { ok: 0, failed: 1, usage: 2 } as const

/** How long an end that is not orderly may take to clean up, milliseconds. */
const cleanupLimit = 1000

/** The program: reads the configuration, serves until a signal, ends the process. */
export async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  readFile: (path: string) => string,
  stop: StopSignal,
): Promise<void> {
  const loaded = await load(argv, env, readFile)
  const { config } = loaded
  if (config.compilerTuning) tuneCompiler()
  const log = createLog({ level: config.logLevel, format: config.logFormat, ...rankField(config) })
  handleCrashes(log)
  logConfiguration(log, loaded)
  const cleanup = new Cleanup(new RealClock(), cleanupLimit)
  stop.beforeSuddenEnd = () => cleanup.run()
  const running = await startOrExit(config, log, stop, cleanup)
  log.info('Application startup complete.')

  const ending = await Promise.race([stop.requested, running.failed])
  if (ending instanceof Error) {
    log.error(ending instanceof StartError ? { reason: ending.message } : { err: ending }, 'the server cannot go on')
    await cleanup.run()
    process.exit(exit.failed)
  }
  log.info({ signal: ending, limit_s: config.shutdownTimeout / 1000 }, 'shutting down')
  const drained = await running.stop(config.shutdownTimeout)
  if (stop.sudden) process.exit(exit.failed)
  log.info(drained ? 'stopped' : 'stopped; requests that were still running were aborted')
  process.exit(exit.ok)
}

type Loaded = Extract<LoadResult, { config: Config }>

/** Reads the configuration, or prints what was asked for or is wrong and ends the process. */
async function load(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  readFile: (path: string) => string,
): Promise<Loaded> {
  let loaded: LoadResult
  try {
    loaded = await loadConfig(argv, env, readFile)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    print(2, `vllm-sim: ${error.message}\n${error.hint ?? 'Try --help for the options.'}\n`)
    process.exit(exit.usage)
  }
  if (loaded.help !== undefined) {
    print(2, `${loaded.help}\n`)
    process.exit(exit.ok)
  }
  if (loaded.version) {
    print(1, `vllm-sim ${version}\n`)
    process.exit(exit.ok)
  }
  return loaded
}

function rankField({ dataParallelRank, rank }: Config): { fields?: { rank: number } } {
  return dataParallelRank >= 0 ? { fields: { rank } } : {}
}

/** Starts everything. Ends the process when that is not possible, or when a signal comes before it is done. */
async function startOrExit(config: Config, log: Logger, stop: StopSignal, cleanup: Cleanup): Promise<Running> {
  const starting = start(config, log, stop.signal, cleanup)
  try {
    const first = await Promise.race([starting, stop.requested])
    if (typeof first !== 'string') return first
  } catch (error) {
    // A start that was broken off fails as a consequence.
    if (!stop.signal.aborted) {
      if (error instanceof StartError) log.error(error.message)
      else log.fatal({ err: error }, 'internal error at the start')
      await cleanup.run()
      process.exit(exit.failed)
    }
  }
  log.info('stopped before the start was complete')
  // What was begun ends by itself, a download for example, or is ended.
  cleanup.add(() => starting.then(() => {}))
  await cleanup.run()
  process.exit(stop.sudden ? exit.failed : exit.ok)
}

async function start(config: Config, log: Logger, signal: AbortSignal, cleanup: Cleanup): Promise<Running> {
  const problem = startError(config)
  if (problem !== undefined) throw new StartError(problem)
  await tryPorts(config)
  const portFile = config.portFile === '' ? undefined : new PortFile(config.portFile)
  const clock = new RealClock()
  await fetchDataset(config, clock, log, signal)
  const tokenizer = await openTokenizer(config, clock, log)
  const running = await serveAll(config, log, tokenizer, cleanup)
  portFile?.write(running.ports)
  return running
}

async function serveAll(config: Config, log: Logger, tokenizer: Tokenizer, cleanup: Cleanup): Promise<Running> {
  if (config.ranksInProcess === 1) return serve({ config, log, tokenizer, cleanup })
  // Each rank has one of its own. Here it was only found out which, and downloaded.
  await tokenizer.close()
  const { serveRanks } = await import('./ranks/group.ts')
  return serveRanks(config, tokenizer.kind === 'simulated', cleanup)
}
