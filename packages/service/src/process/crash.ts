import type { Logger } from '../log/log.ts'

/** Makes errors that nobody handles end the process with status 1 and a line in the log, and lets outputs be closed. */
export function handleCrashes(log: Logger): void {
  const crash = (err: unknown): void => {
    log.fatal({ err }, 'internal error, the server ends')
    process.exit(1)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  // Only libraries write there, and warnings of Node.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
}
