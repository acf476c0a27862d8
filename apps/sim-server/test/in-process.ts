import { readFileSync } from 'node:fs'
import { RealClock } from '@vllm-sim/core-engine'
import type { Clock } from '@vllm-sim/latency'
import { Cleanup, createLog } from '@vllm-sim/service'
import { onTestFinished } from 'vitest'
import type { Running } from '../src/assemble/serve.ts'
import { loadConfig } from '../src/config/index.ts'
import { logConfiguration } from '../src/observability/start-log.ts'
import { rankField, start } from '../src/run.ts'
import { patience, quick } from './server-process.ts'

/** All of a server but the process: the command line, the log, a port of its own. It starts in a tenth of the time. */
export class InProcessServer {
  /** All of its log so far. */
  log = ''
  #running: Running | undefined
  #lines: (() => void)[] = []

  /** Starts it on a free port, unless another is given. @throws StartError @throws ConfigError */
  async start(args: readonly string[], env: Readonly<Record<string, string>> = {}, simulated?: Clock): Promise<void> {
    const argv = ['--host', '127.0.0.1', '--port', '0', ...args]
    const loaded = await loadConfig(argv, { ...patience, ...env }, path => readFileSync(path, 'utf8'))
    if (!loaded.config) throw new Error('help or version was asked for')
    const { logLevel: level, logFormat: format } = loaded.config
    const log = createLog({ level, format, ...rankField(loaded.config), write: line => this.#write(line) })
    logConfiguration(log, loaded)
    const { signal } = new AbortController()
    this.#running = await start(loaded.config, log, signal, new Cleanup(new RealClock(), 0), simulated)
  }

  get port(): number {
    return this.#running!.ports[0]!
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Waits until the log has a match. */
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.log)
      if (match) return match
      await new Promise<void>(resolve => this.#lines.push(resolve))
    }
  }

  /** Ends it as a signal does; answers may take `limit` milliseconds. */
  async stop(limit = 0): Promise<void> {
    await this.#running?.stop(limit)
    this.#running = undefined
  }

  #write(line: string): void {
    this.log += line
    for (const run of this.#lines.splice(0)) run()
  }
}

/** A server that is ready; it ends with the test. */
export async function startInProcess(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ server: InProcessServer; port: number; url: string }> {
  const server = new InProcessServer()
  onTestFinished(() => server.stop())
  await server.start([...quick, ...args], env)
  return { server, port: server.port, url: server.url }
}
