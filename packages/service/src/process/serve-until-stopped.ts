import { RealClock } from '@vllm-sim/latency'
import type { StopSignal } from '../early/stop-signal.ts'
import type { Logger } from '../log/log.ts'
import { Cleanup } from './cleanup.ts'
import { handleCrashes } from './crash.ts'
import { exitStatus } from './read-or-exit.ts'
import { StartError } from './start-error.ts'

/** How long an end that is not orderly may take to clean up, milliseconds. */
const cleanupLimit = 1000

/** What runs. */
export interface Serving {
  /** Resolves with the reason when it cannot go on. */
  readonly failed: Promise<Error>
  /**
   * Takes nothing new, waits for what is under way (at most `limit` milliseconds), closes.
   * @returns whether all ended in time
   */
  stop(limit: number): Promise<boolean>
}

/** A process that serves. */
export interface ServingProcess {
  readonly log: Logger
  /** SIGINT and SIGTERM. */
  readonly stop: StopSignal
  /** How long the end waits for what is under way, milliseconds. */
  readonly shutdownTimeout: number
  /**
   * Starts all.
   * @param signal is aborted when the start is to be given up
   * @param cleanup told what must be done before the process may be ended by force
   * @throws StartError when it is the user who can mend what is wrong
   */
  readonly start: (signal: AbortSignal, cleanup: Cleanup) => Promise<Serving>
}

/**
 * The life of a process: starts, serves until a signal comes or it cannot go on, stops, ends with a status of
 * `exitStatus`. A second signal ends it at once.
 */
export async function serveUntilStopped(options: ServingProcess): Promise<never> {
  const { log, stop, shutdownTimeout } = options
  handleCrashes(log)
  const cleanup = new Cleanup(new RealClock(), cleanupLimit)
  stop.beforeSuddenEnd = () => cleanup.run()
  const serving = await startOrExit(options, cleanup)
  log.info('Application startup complete.')

  const ending = await Promise.race([stop.requested, serving.failed])
  if (ending instanceof Error) {
    log.error(ending instanceof StartError ? { reason: ending.message } : { err: ending }, 'the server cannot go on')
    await cleanup.run()
    process.exit(exitStatus.failed)
  }
  log.info({ signal: ending, limit_s: shutdownTimeout / 1000 }, 'shutting down')
  const drained = await serving.stop(shutdownTimeout)
  if (stop.sudden) process.exit(exitStatus.failed)
  log.info(drained ? 'stopped' : 'stopped; requests that were still running were aborted')
  process.exit(exitStatus.ok)
}

/** Starts everything. Ends the process when that is not possible, or when a signal comes before it is done. */
async function startOrExit({ log, stop, start }: ServingProcess, cleanup: Cleanup): Promise<Serving> {
  const starting = start(stop.signal, cleanup)
  try {
    const first = await Promise.race([starting, stop.requested])
    if (typeof first !== 'string') return first
  } catch (error) {
    // A start that was broken off fails as a consequence.
    if (!stop.signal.aborted) {
      if (error instanceof StartError) log.error(error.message)
      else log.fatal({ err: error }, 'internal error at the start')
      await cleanup.run()
      process.exit(exitStatus.failed)
    }
  }
  log.info('stopped before the start was complete')
  // What was begun ends by itself, a download for example, or is ended.
  cleanup.add(() => starting.then(() => {}))
  await cleanup.run()
  process.exit(stop.sudden ? exitStatus.failed : exitStatus.ok)
}
