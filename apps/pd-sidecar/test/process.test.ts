import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mock } from './mock.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** The sidecar as a process of its own. */
class SidecarProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<number | null>
  log = ''
  #changed: (() => void)[] = []

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text
      for (const run of this.#changed.splice(0)) run()
    })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => void (this.log += text))
    this.ended = once(this.child, 'close').then(([code]) => {
      for (const run of this.#changed.splice(0)) run()
      return code
    })
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.ended
    })
  }

  async logged(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.log)) {
      if (this.child.exitCode !== null) throw new Error(`ended without ${pattern}:\n${this.log}`)
      await new Promise<void>(resolve => this.#changed.push(resolve))
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

describe('the process', () => {
  test('ends a stream before itself; its log is JSON without what was asked', async () => {
    const streaming = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    const d = await mock((_seen, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      streaming.resolve()
      void finish.promise.then(() => res.end('data: [DONE]\n\n'))
    })
    const port = await freePort()
    const one = new SidecarProcess([
      '--secure-proxy=false',
      '--host=127.0.0.1',
      `--port=${port}`,
      `--model-server-port=${d.port}`,
      '--zap-log-level=5',
    ])
    await one.logged(/Application startup complete/)
    const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      body: '{"secret": "prompt"}',
    })
    await streaming.promise
    one.child.kill('SIGTERM')
    await one.logged(/shutting down/)
    finish.resolve()
    expect(await answer.text()).toBe('data: 1\n\ndata: [DONE]\n\n')
    expect(await one.ended).toBe(0)
    const lines = one.log
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.map(line => line.msg)).toEqual(
      expect.arrayContaining(['Proxy starting', 'Proxy configuration', 'server TLS', 'stopped']),
    )
    expect(one.log).not.toContain('secret')
  })

  test('that cannot listen, or be configured so, ends with 1; that cannot be called so, with 2', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    onTestFinished(() => void taken.close())
    const all = [
      [['--secure-serving=false', '--host=127.0.0.1', `--port=${port}`], 1, /address already in use/],
      [['--kv-connector=x'], 1, /--kv-connector must be one of/],
      [['--cert-path=/nowhere', `--port=${await freePort()}`], 1, /failed to load TLS certificate/],
      [['--nonsense'], 2, /unknown flag: --nonsense/],
      [['--help'], 0, /--kv-connector/],
    ] as const
    for (const [args, code, text] of all) {
      const one = new SidecarProcess(args)
      expect([args, await one.ended]).toEqual([args, code])
      expect(one.log).toMatch(text)
    }
  })
})
