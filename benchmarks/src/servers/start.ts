import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { untilReady } from '../load/ready.ts'
import type { Setting, System } from './systems.ts'

/** A server that answers. */
export interface RunningServer {
  readonly url: URL
  /** 0 when unknown. */
  readonly pid: number
  /** From the command to the first 200 of `GET /health`, milliseconds. */
  readonly startMilliseconds: number
  stop(): Promise<void>
}

/** A server process has to be ready within this, milliseconds. */
const readyLimit = 60_000

/** A port that nothing listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Starts the process of a system and returns at once. */
export function launch(
  system: System,
  port: number,
  setting: Setting,
): Omit<RunningServer, 'startMilliseconds'> & { alive(): boolean } {
  if (!system.command) throw new Error(`${system.name} is not started by this program`)
  const [program, ...args] = system.command(port, setting)
  const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let messages = ''
  let ended = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    messages = (messages + text).slice(-2000)
  })
  const end = new Promise<void>(resolve => {
    child.once('error', error => {
      messages += error.message
      ended = true
      resolve()
    })
    child.once('exit', () => {
      ended = true
      resolve()
    })
  })
  const killChild = (): void => void child.kill('SIGKILL')
  process.once('exit', killChild)
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    pid: child.pid ?? 0,
    alive: () => {
      if (ended) process.stderr.write(`${system.name}: ${messages}\n`)
      return !ended
    },
    async stop() {
      killChild()
      await end
      process.off('exit', killChild)
    },
  }
}

/** Starts a system and waits until it is ready; one that runs already is only looked at. */
export async function start(system: System, setting: Setting): Promise<RunningServer> {
  const begun = performance.now()
  if (system.url) {
    await untilReady(system.url, 5000)
    return { url: system.url, pid: system.pid ?? 0, startMilliseconds: Number.NaN, stop: async () => {} }
  }
  const server = launch(system, await freePort(), setting)
  try {
    await untilReady(server.url, readyLimit, server.alive)
  } catch (error) {
    await server.stop()
    throw error
  }
  return { ...server, startMilliseconds: performance.now() - begun }
}
