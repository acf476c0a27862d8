import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { freePort } from '../free-port.ts'
import type { Order, Seen } from './watcher.ts'

const sources = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface TargetOptions {
  /** Options of the server beyond those of every target. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Most files that the process may have open. */
  readonly descriptors?: number
  /** Neighbouring ports that have to be free. */
  readonly ports?: number
  /** Whether a stream at the server's pace is watched during each attack. */
  readonly streams?: boolean
}

/** A server with little memory that is attacked, and somebody who watches how well others are served meanwhile. */
export class Target {
  readonly port: number
  /** A stream at the server's pace is watched during each attack. */
  readonly streams: boolean
  /** Its standard error so far. */
  log = ''
  /** Memory before the first attack, in bytes. */
  idle = 0
  readonly #child: ChildProcess
  #watcher!: Worker
  #over = false

  private constructor(child: ChildProcess, port: number, streams: boolean) {
    this.#child = child
    this.port = port
    this.streams = streams
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.log += text
    })
    child.once('exit', () => {
      this.#over = true
    })
  }

  /** @param main what to start, the sources when absent */
  static async start(options: TargetOptions, main = sources): Promise<Target> {
    const port = await freePort(options.ports ?? 1)
    const args = [
      '--max-old-space-size=256',
      ...[main, '--model', 'm', '--no-warm-up', '--host', '127.0.0.1', '--port', String(port), '--seed', '1'],
      ...(options.args?.includes('--tokenizer') ? [] : ['--force-dummy-tokenizer']),
      ...(options.args ?? []).map(one => one.replace('PORT+1', String(port + 1))),
    ]
    const [file, all] =
      options.descriptors === undefined
        ? [process.execPath, args]
        : ['/bin/sh', ['-c', `ulimit -n ${options.descriptors}; exec "$@"`, 'sh', process.execPath, ...args]]
    const { PATH, NODE_COMPILE_CACHE } = process.env
    const child = spawn(file, all, {
      env: { PATH, NODE_COMPILE_CACHE, ...options.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const target = new Target(child, port, options.streams ?? false)
    await target.#ready()
    target.#watcher = new Worker(new URL('./watcher.ts', import.meta.url), {
      workerData: { port, pid: child.pid! },
      execArgv: [],
    })
    await once(target.#watcher, 'online')
    target.idle = (await target.look('report')).memory
    return target
  }

  get lives(): boolean {
    return !this.#over
  }

  /** Starts a stream that is watched, and waits until it flows. */
  async stream(): Promise<void> {
    this.#watcher.postMessage('stream' satisfies Order)
    for (;;) if ((await once(this.#watcher, 'message'))[0] === 'flows') return
  }

  async look(order: 'begin' | 'report'): Promise<Seen> {
    this.#watcher.postMessage(order satisfies Order)
    for (;;) {
      const [seen] = await once(this.#watcher, 'message')
      if (seen !== 'flows') return seen
    }
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#watcher?.terminate()
    if (!this.#over) await once(this.#child, 'exit')
  }

  async #ready(): Promise<void> {
    while (!this.log.includes('Application startup complete')) {
      if (this.#over) throw new Error(`the server ended:\n${this.log}`)
      await Promise.race([once(this.#child.stderr!, 'data'), once(this.#child, 'exit')])
    }
  }
}
