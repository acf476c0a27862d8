import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** The sidecar as a process of its own. Whoever makes it ends it. */
export class SidecarProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<number | null>
  log = ''
  #changed: (() => void)[] = []

  constructor(args: readonly string[], nodeFlags: readonly string[] = []) {
    const { PATH = '', HOME = '' } = process.env
    this.child = spawn(process.execPath, [...nodeFlags, main, ...args], {
      env: { PATH, HOME },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const take = (text: string): void => {
      this.log += text
      this.#notify()
    }
    this.child.stderr.setEncoding('utf8').on('data', take)
    this.child.stdout.setEncoding('utf8').on('data', take)
    this.ended = once(this.child, 'close').then(([code]) => {
      this.#notify()
      return code
    })
  }

  async logged(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.log)) {
      if (this.child.exitCode !== null) throw new Error(`ended without ${pattern}:\n${this.log}`)
      await new Promise<void>(resolve => this.#changed.push(resolve))
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }

  #notify(): void {
    for (const run of this.#changed.splice(0)) run()
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
