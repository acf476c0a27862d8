import type { Server } from 'node:http'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { createHttpServer } from '@vllm-sim/transport-http'
import type { Config } from './config/index.ts'
import { createInstance } from './instance.ts'
import { listen } from './listen.ts'
import type { Logger } from './log.ts'
import { version } from './version.ts'

/** A running server. */
export interface Running {
  /** The port it listens on. */
  readonly port: number
  /** Refuses new generations, waits for the running ones (at most `limit` ms), closes. @returns whether all ended in time */
  stop(limit: number): Promise<boolean>
}

/** Time for open connections to end after the last answer, milliseconds. */
const closeLimit = 5000

/** Starts a server as configured. @throws ListenError */
export async function serve(config: Config, log: Logger): Promise<Running> {
  const tokenizer = new SimulatedTokenizer()
  const instance = createInstance({ config, tokenizer, log, port: config.port })
  const server = createHttpServer(instance.api.listener, { keepAliveTimeout: config.httpKeepAliveSeconds * 1000 })
  await listen(server, config.uds ? { path: config.uds } : { host: config.host || '0.0.0.0', port: config.port })
  instance.opened()
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : config.port
  log.info(
    { version, model: config.displayModelName, url: config.uds || `http://${config.host || '0.0.0.0'}:${port}` },
    'listening',
  )
  return {
    port,
    async stop(limit) {
      instance.drain()
      const idle = Promise.withResolvers<boolean>()
      instance.engine.whenIdle(() => idle.resolve(true))
      const timer = instance.clock.timer(limit, () => idle.resolve(false))
      const drained = await idle.promise
      timer.cancel()
      await close(server, instance.clock)
      await tokenizer.close()
      return drained
    },
  }
}

function close(server: Server, clock: import('@vllm-sim/latency').Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = clock.timer(closeLimit, () => server.closeAllConnections())
  server.close(() => {
    timer.cancel()
    resolve()
  })
  server.closeIdleConnections()
  return promise
}
