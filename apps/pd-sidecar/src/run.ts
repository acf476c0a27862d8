import { createLog, readOrExit, StartError, serveUntilStopped } from '@vllm-sim/service'
import type { StopSignal } from '@vllm-sim/service/early'
import { loadConfig } from './config/load.ts'
import { startSidecar } from './start.ts'
import { version } from './version.ts'

const unprotected =
  'warning: SSRF protection is disabled; targets taken from request headers are not checked against the InferencePool'

/** The program: reads the configuration, serves until a signal, ends the process. */
export async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  readFile: (path: string) => string,
  stop: StopSignal,
): Promise<void> {
  const { config, warnings, problem } = await readOrExit({ name: 'pd-sidecar', version }, () =>
    loadConfig(argv, env, readFile),
  )
  const log = createLog({ level: config.logLevel, format: config.logFormat })
  for (const line of warnings) log.warn(line)
  await serveUntilStopped({
    log,
    stop,
    shutdownTimeout: config.shutdownTimeout,
    start: async () => {
      if (problem !== undefined) throw new StartError(problem)
      log.info({ version }, 'Proxy starting')
      log.info({ config }, 'Proxy configuration')
      if (!config.enableSsrfProtection) log.warn(unprotected)
      const running = await startSidecar(config, log, { env })
      log.info({ tls: config.secureServing, cert_path: config.certPath }, 'server TLS')
      for (const [rank, url] of running.urls.entries()) log.info({ rank, url }, 'listening')
      return running
    },
  })
}
