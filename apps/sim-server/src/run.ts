import { RealClock } from '@vllm-sim/core-engine'
import type { Clock } from '@vllm-sim/latency'
import {
  type Cleanup,
  createLog,
  type Logger,
  PortFile,
  readOrExit,
  StartError,
  serveUntilStopped,
} from '@vllm-sim/service'
import type { StopSignal } from '@vllm-sim/service/early'
import type { Tokenizer } from '@vllm-sim/tokenizer'
import { fetchDataset } from './assemble/dataset.ts'
import { type Running, serve } from './assemble/serve.ts'
import { openTokenizer } from './assemble/tokenizer.ts'
import { type Config, loadConfig, startError } from './config/index.ts'
import { tryPorts } from './listener/trial.ts'
import { logConfiguration } from './observability/start-log.ts'
import { tuneCompiler } from './process/tune-compiler.ts'
import { version } from './version.ts'

/** The program: reads the configuration, serves until a signal, ends the process. */
export async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  readFile: (path: string) => string,
  stop: StopSignal,
): Promise<void> {
  const loaded = await readOrExit({ name: 'vllm-sim', version }, () => loadConfig(argv, env, readFile))
  const { config } = loaded
  if (config.compilerTuning) tuneCompiler()
  const log = createLog({ level: config.logLevel, format: config.logFormat, ...rankField(config) })
  logConfiguration(log, loaded)
  await serveUntilStopped({
    log,
    stop,
    shutdownTimeout: config.shutdownTimeout,
    start: (signal, cleanup) => start(config, log, signal, cleanup),
  })
}

/** What every line of the log of one rank of several has. */
export function rankField({ dataParallelRank, rank }: Config): { fields?: { rank: number } } {
  return dataParallelRank >= 0 ? { fields: { rank } } : {}
}

/**
 * Starts the server, or a thread for each of its ranks.
 * @param signal ends a start that takes long
 * @param simulated the clock of the simulation, in place of the machine's; for one rank
 * @throws StartError
 */
export async function start(
  config: Config,
  log: Logger,
  signal: AbortSignal,
  cleanup: Cleanup,
  simulated?: Clock,
): Promise<Running> {
  const problem = startError(config)
  if (problem !== undefined) throw new StartError(problem)
  await tryPorts(config)
  const portFile = config.portFile === '' ? undefined : new PortFile(config.portFile)
  const clock = new RealClock()
  await fetchDataset(config, clock, log, signal)
  const tokenizer = await openTokenizer(config, clock, log)
  const running = await serveAll(config, log, tokenizer, cleanup, simulated)
  portFile?.write(running.ports)
  return running
}

async function serveAll(
  config: Config,
  log: Logger,
  tokenizer: Tokenizer,
  cleanup: Cleanup,
  simulated: Clock | undefined,
): Promise<Running> {
  if (config.ranksInProcess === 1) return serve({ config, log, tokenizer, cleanup, simulated })
  // Each rank has one of its own. Here it was only found out which, and downloaded.
  await tokenizer.close()
  const { serveRanks } = await import('./ranks/group.ts')
  return serveRanks(config, tokenizer.kind === 'simulated', cleanup)
}
