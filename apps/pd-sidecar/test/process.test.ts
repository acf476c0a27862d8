import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mock } from './mock.ts'
import { freePort, SidecarProcess } from './sidecar-process.ts'

/** A process that ends with the test. */
function start(args: readonly string[]): SidecarProcess {
  const one = new SidecarProcess(args)
  onTestFinished(() => one.kill())
  return one
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
    const one = start([
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
      const one = start(args)
      expect([args, await one.ended]).toEqual([args, code])
      expect(one.log).toMatch(text)
    }
  })
})
