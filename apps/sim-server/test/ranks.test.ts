import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { startInProcess } from './in-process.ts'
import { completion, freePort, post, quick, ServerProcess, startStream } from './server-process.ts'

const size = 3

async function startRanks(args: readonly string[] = [], env: Record<string, string> = {}) {
  const port = await freePort(size)
  const server = new ServerProcess(
    [...quick, '--host', '127.0.0.1', '--port', String(port), '--data-parallel-size', String(size), ...args],
    env,
  )
  await server.logged(/Application startup complete/)
  const urls = Array.from({ length: size }, (_, rank) => `http://127.0.0.1:${port + rank}`)
  return { server, port, urls }
}

async function config(url: string): Promise<Record<string, unknown>> {
  return (await fetch(`${url}/admin/config`)).json() as Promise<Record<string, unknown>>
}

test('each rank has a port, metrics and a view of its own; a change reaches all; they end together', async () => {
  const { server, port, urls } = await startRanks(['--seed', '5'])
  for (const rank of urls.keys())
    expect(server.log).toMatch(new RegExp(`http://127\\.0\\.0\\.1:${port + rank} .*rank=${rank}`))

  const answers = await Promise.all(urls.map(url => post(`${url}/v1/completions`, completion(3, false))))
  const texts = await Promise.all(answers.map(async one => ((await one.json()) as { choices: object[] }).choices))
  expect(texts[1]).toEqual(texts[0])
  await post(`${urls[1]}/v1/completions`, completion(3, false))
  const served = await Promise.all(
    urls.map(
      async url =>
        /^vllm:request_success_total\{.*length.*\} (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1],
    ),
  )
  expect(served).toEqual(['1', '2', '1'])

  const [first, , last] = await Promise.all(urls.map(config))
  expect(first).toMatchObject({
    'data-parallel-rank': 0,
    'data-parallel-size': size,
    'zmq-endpoint': 'tcp://127.0.0.1:5557',
  })
  expect(last).toMatchObject({ 'data-parallel-rank': 2, 'zmq-endpoint': 'tcp://127.0.0.1:5559' })
  expect(first).not.toHaveProperty('port')
  expect(Object.keys((await (await fetch(`${urls[2]}/query`)).json()) as object)).toEqual(['0', '1', '2'])

  const changed = await post(`${urls[2]}/admin/config`, { 'time-to-first-token': '20ms', 'failure-injection-rate': 0 })
  expect([changed.status, await changed.json()]).toMatchObject([
    200,
    { 'time-to-first-token': '20ms', 'data-parallel-rank': 2 },
  ])
  for (const url of urls) expect(await config(url)).toMatchObject({ 'time-to-first-token': '20ms' })
  const refused = await post(`${urls[1]}/admin/config`, { 'time-to-first-token': '1ms', 'failure-injection-rate': 101 })
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { error: { message: 'failure injection rate should be between 0 and 100' } },
  ])
  for (const url of urls) expect(await config(url)).toMatchObject({ 'time-to-first-token': '20ms' })

  await post(`${urls[0]}/admin/config`, { 'inter-token-latency': '500ms' })
  const { rest } = await startStream(urls[1]!, 200)
  server.kill('SIGTERM')
  await server.logged(/shutting down/)
  await expect.poll(async () => (await fetch(`${urls[1]}/health/ready`)).status).toBe(503)
  await post(`${urls[1]}/admin/config`, { 'inter-token-latency': '0s' })
  expect((await rest).endsWith('data: [DONE]\n\n')).toBe(true)
  expect(await server.ended).toEqual({ code: 0, signal: null })
})

test('when one rank cannot start, none does', async () => {
  const port = await freePort(size)
  const other = createServer().listen(port + 1, '127.0.0.1')
  await once(other, 'listening')
  const server = new ServerProcess([
    ...quick,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--data-parallel-size',
    String(size),
  ])
  expect(await server.ended).toEqual({ code: 1, signal: null })
  expect(server.log).toContain(`rank 1: address already in use: 127.0.0.1:${port + 1}`)
  expect(server.log).not.toContain('Application startup complete')
  other.close()
})

test('one rank of several: its number everywhere, the port as given', async () => {
  const port = await freePort()
  const { server } = await startInProcess([
    ...['--port', String(port), '--data-parallel-rank', '2', '--data-parallel-size', '4'],
  ])
  expect(server.log).toMatch(/Starting vLLM server.*rank=2/)
  expect(await config(`http://127.0.0.1:${port}`)).toMatchObject({
    'data-parallel-rank': 2,
    port,
    'zmq-endpoint': 'tcp://127.0.0.1:5559',
  })
})

/** Sockets that wait for messages in threads: forced to end, they would take the process down with them. */
async function eventOptions(): Promise<string[]> {
  const base = await freePort(2 * size)
  return [
    '--enable-kvcache',
    ...['--zmq-endpoint', `tcp://*:${base}`, '--kv-events-replay-endpoint', `tcp://*:${base + size}`],
  ]
}

test('with KV events, too, a second signal ends with status 1', async () => {
  const { server, urls } = await startRanks([...(await eventOptions()), '--inter-token-latency', '10s'], {
    POD_IP: '::1',
  })
  const { rest } = await startStream(urls[2]!, 100)
  const cut = expect(rest).rejects.toThrow()
  server.kill('SIGTERM')
  await server.logged(/shutting down/)
  server.kill('SIGTERM')
  expect(await server.ended).toEqual({ code: 1, signal: null })
  await cut
})

test('with KV events, too, a signal during the start is no crash', async () => {
  const port = await freePort(size)
  const server = new ServerProcess(
    [
      ...quick,
      ...(await eventOptions()),
      ...['--host', '127.0.0.1', '--port', String(port), '--data-parallel-size', String(size)],
    ],
    { POD_IP: '10.0.0.1' },
  )
  await server.logged(/publishing KV events/)
  server.kill('SIGTERM')
  expect(await server.ended).toEqual({ code: 0, signal: null })
})
