import { createServer } from 'node:http'
import { choice, completeValues, defineOptions, group, helpText, int, option, readSources } from '@vllm-sim/config'
import { RealClock } from '@vllm-sim/latency'
import {
  Connections,
  createLog,
  type ListenTarget,
  listen,
  readOrExit,
  type Serving,
  serveUntilStopped,
  targetUrl,
} from '@vllm-sim/service'
import { StopSignal } from '@vllm-sim/service/early'

const options = group('Greeter', {
  port: option(int, { default: 8000, min: 0, max: 65535, help: 'TCP port' }),
  'log-format': option(choice('text', 'json'), { default: 'text', oneOf: ['text', 'json'], help: 'Lines of the log' }),
})
const table = defineOptions([options])

/** A program: `greeter --port 8001`. Ends the process with 0 after a signal, with 1 when the port is taken, with 2 on bad usage. */
export async function greeter(argv: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const stop = new StopSignal()
  const config = await readOrExit({ name: 'greeter', version: '1.0.0' }, async () => {
    const { help, version, values } = await readSources(table, { argv, env, readFile: () => '' })
    if (help !== undefined) return { help: helpText(table, help, { head: ['Usage of greeter:'], foot: [] }) }
    return version ? { version } : completeValues<typeof options.options>(table, values)
  })
  const log = createLog({ level: 'info', format: config.logFormat === 'json' ? 'json' : 'text' })
  await serveUntilStopped({ log, stop, shutdownTimeout: 5000, start: () => open(config.port) })

  async function open(port: number): Promise<Serving> {
    const server = createServer((_req, res) => res.end('hello'))
    const connections = new Connections(server)
    const target: ListenTarget = await listen(server, { host: '127.0.0.1', port })
    log.info(`listening on ${targetUrl(target, false)}`)
    return {
      failed: new Promise(() => {}),
      stop: limit => connections.close(new RealClock(), limit).then(() => true),
    }
  }
}
