import { ConfigError, loadConfig, startError } from './config/index.ts'
import { ListenError } from './listen.ts'
import { createLog } from './log.ts'
import { serve } from './serve.ts'
import { version } from './version.ts'

const exit = { ok: 0, failed: 1, usage: 2 } as const

/** The program: reads the configuration, serves until a signal, ends the process. */
export async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  readFile: (path: string) => string,
): Promise<void> {
  let loaded: Awaited<ReturnType<typeof loadConfig>>
  try {
    loaded = await loadConfig(argv, env, readFile)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`vllm-sim: ${error.message}\nTry --help for the options.\n`)
    process.exit(exit.usage)
  }
  if (loaded.help !== undefined) {
    process.stderr.write(`${loaded.help}\n`)
    process.exit(exit.ok)
  }
  if (loaded.version) {
    process.stdout.write(`vllm-sim ${version}\n`)
    process.exit(exit.ok)
  }
  const { config, warnings, noEffect } = loaded
  const log = createLog({ level: config.logLevel, format: config.logFormat })
  for (const warning of warnings) log.warn(warning)
  for (const name of noEffect) log.info({ option: name }, 'accepted, has no effect')
  const problem = startError(config)
  if (problem) {
    log.error(problem)
    process.exit(exit.failed)
  }
  try {
    const running = await serve(config, log)
    let stopping = false
    const stop = (signal: string): void => {
      if (stopping) process.exit(exit.failed)
      stopping = true
      log.info({ signal }, 'shutting down')
      void running.stop(config.shutdownTimeout).then(() => process.exit(exit.ok))
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  } catch (error) {
    if (!(error instanceof ListenError)) throw error
    log.error(error.message)
    process.exit(exit.failed)
  }
}
