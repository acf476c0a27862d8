import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startInProcess } from './in-process.ts'
import { completion, post, quick, ServerProcess, startServer, startStream } from './server-process.ts'

test('a wrong option ends with status 2 and says which', async () => {
  const server = new ServerProcess(['--model', 'm', '--port', 'abc'])
  expect(await server.ended).toEqual({ code: 2, signal: null })
  expect(server.log).toContain('invalid argument "abc" for "--port" flag')
})

test('a missing model ends with status 2 and says how to name one', async () => {
  const server = new ServerProcess([])
  expect((await server.ended).code).toBe(2)
  expect(server.log).toMatch(/model parameter is empty\n.*--model NAME/)
})

test('a taken port ends with status 1 and says what to do, before anything that takes time', async () => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const server = new ServerProcess([
    ...[...quick, '--host', '127.0.0.1', '--port', String(port), '--data-parallel-size', '2'],
    ...['--dataset-url', `http://127.0.0.1:${port}/never-answered`, '--dataset-path', join(tmpdir(), 'no', 'data')],
  ])
  expect((await server.ended).code).toBe(1)
  expect(server.log).toContain(`rank 0: address already in use: 127.0.0.1:${port}.`)
  expect(server.log).toContain('--port')
  expect(server.log).not.toContain('Downloading')
  other.close()
})

test('port 0 is a free port, told in the log and in a file that goes with the server', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vllm-sim-port-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'port')
  writeFileSync(file, 'left behind')
  const server = new ServerProcess([
    ...[...quick, '--host', '127.0.0.1', '--port', '0', '--port-file', file, '--data-parallel-size', '2'],
  ])
  await server.logged(/Application startup complete/)
  const ports = readFileSync(file, 'utf8').split('\n')
  expect(ports).toEqual([expect.stringMatching(/^[1-9]\d+$/), expect.stringMatching(/^[1-9]\d+$/), ''])
  for (const [rank, port] of ports.slice(0, 2).entries()) {
    expect(server.log).toMatch(new RegExp(`http://127\\.0\\.0\\.1:${port} .*rank=${rank}`))
    const response = await fetch(`http://127.0.0.1:${port}/admin/config`)
    expect(await response.json()).toMatchObject({ 'data-parallel-rank': rank })
  }
  expect(await server.stop()).toEqual({ code: 0, signal: null })
  expect(existsSync(file)).toBe(false)
})

test.each([
  [
    'a port file that cannot be written',
    ['--port-file', join(tmpdir(), 'no', 'such', 'file')],
    /cannot write the port file: .*no such file.*--port-file/,
  ],
  [
    'an address of another machine',
    ['--host', '192.0.2.1', '--port', '10999'],
    /cannot listen on 192\.0\.2\.1:\d+: this machine has no such address.*--host/,
  ],
  [
    'the KV cache without a pod address',
    ['--enable-kvcache'],
    /IP should be defined in the environment \(POD_IP\) for KV cache to work/,
  ],
])('%s ends the start', async (_, args, message) => {
  await expect(startInProcess(args)).rejects.toThrow(message)
})

test('the start takes at most 8 lines: what differs from the defaults, what has no effect, tokenizer, seed, address', async () => {
  const { server, port } = await startServer(
    [
      ...['--gpu-memory-utilization', '0.9', '--seed', '7', '--time-to-first-token', '50ms', '--max-num-seqs', '5'],
      ...['--enable-prefix-caching', '--api-key', 'hush'],
    ],
    { VLLM_LOGGING_LEVEL: 'INFO' },
  )
  expect(server.log).toContain(`Starting vLLM server on http://127.0.0.1:${port} `)
  expect(server.log).toMatch(/Starting vLLM server.* model=m seed=7$/m)
  expect(server.log).toMatch(/accepted, without effect options=gpu-memory-utilization$/m)
  const options = /Starting vLLM simulator configuration="(.*)"$/m.exec(server.log)?.[1]
  expect(options?.split(/ (?=--)/).sort()).toEqual(
    [
      ...['--api-key ***', '--enable-prefix-caching true', '--force-dummy-tokenizer true', '--host 127.0.0.1'],
      ...[
        '--log-level info',
        '--model m',
        `--port ${port}`,
        '--seed 7',
        '--time-to-first-token 50ms',
        '--warm-up false',
      ],
    ].sort(),
  )
  expect(server.log).not.toContain('hush')
  expect(server.log).toMatch(/tokenizer: simulated/)
  expect(server.log.trimEnd().split('\n').length).toBeLessThanOrEqual(8)
  expect(await server.stop()).toEqual({ code: 0, signal: null })
})

test('IPv6 addresses work', async context => {
  const started = await startInProcess(['--host', '::1']).catch((error: Error) => error)
  if (started instanceof Error) return context.skip(/no such address/.test(started.message))
  const { server, port } = started
  expect(server.log).toContain(`http://[::1]:${port}`)
  expect((await fetch(`http://[::1]:${port}/health`)).status).toBe(200)
})

test('after SIGTERM running streams are completed, new requests refused, and the rest goes on answering', async () => {
  const { server, url } = await startServer(['--inter-token-latency', '500ms'])
  const { rest } = await startStream(url, 200)
  server.kill('SIGTERM')
  await server.logged(/shutting down signal=SIGTERM/)

  const refused = await post(`${url}/v1/completions`, completion(1, false))
  expect([refused.status, await refused.json()]).toEqual([
    503,
    { error: { message: 'server is shutting down', type: 'InternalServerError', param: null, code: 503 } },
  ])
  expect((await fetch(`${url}/health`)).status).toBe(200)
  expect((await fetch(`${url}/health/ready`)).status).toBe(503)
  expect((await fetch(`${url}/metrics`)).status).toBe(200)

  // Enough seen: the rest of the stream may come at once.
  await post(`${url}/admin/config`, { 'inter-token-latency': '0s' })
  const text = await rest
  expect(text.match(/"finish_reason":"length"/g)).toHaveLength(1)
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  expect(await server.ended).toEqual({ code: 0, signal: null })
  await expect(fetch(`${url}/health`)).rejects.toThrow()
})

test('what is still running at the shutdown limit ends with an error', async () => {
  const { server, url } = await startServer(['--inter-token-latency', '1s', '--shutdown-timeout', '0'])
  const { rest } = await startStream(url, 100)
  server.kill('SIGINT')
  expect(await rest).toMatch(/"message":"server is shutting down".*\n\ndata: \[DONE\]\n\n$/s)
  expect(await server.ended).toEqual({ code: 0, signal: null })
  expect(server.log).toContain('aborted')
})

test('a second signal ends at once with status 1', async () => {
  const { server, url } = await startServer(['--inter-token-latency', '1s'])
  const { rest } = await startStream(url, 100)
  const cut = expect(rest).rejects.toThrow()
  server.kill('SIGTERM')
  await server.logged(/shutting down/)
  server.kill('SIGTERM')
  expect(await server.ended).toEqual({ code: 1, signal: null })
  await cut
})

test('a signal during the start ends it', async () => {
  // A download that never ends keeps the start where it is.
  const slow = createServer((_req, res) => {
    res.writeHead(200, { 'content-length': '1000000' })
    res.write('x')
  })
  slow.listen(0, '127.0.0.1')
  await once(slow, 'listening')
  const { port } = slow.address() as AddressInfo
  const path = join(tmpdir(), `vllm-sim-never-${process.pid}`, 'data.sqlite3')
  const server = new ServerProcess([...quick, '--dataset-url', `http://127.0.0.1:${port}/x`, '--dataset-path', path])
  await server.logged(/Downloading the dataset/)
  server.kill('SIGTERM')
  expect(await server.ended).toEqual({ code: 0, signal: null })
  expect(server.log).toContain('stopped before the start was complete')
  slow.closeAllConnections()
  slow.close()
})

test('closed output is no reason to end', async () => {
  const { server, url } = await startServer(['--enable-log-requests'])
  server.child.stderr.destroy()
  server.child.stdout.destroy()
  for (let i = 0; i < 5; i++) expect((await post(`${url}/v1/completions`, completion(2, false))).status).toBe(200)
  server.kill('SIGTERM')
  expect(await server.ended).toEqual({ code: 0, signal: null })
})

test('statistics are logged when something happened', async () => {
  const { server, url } = await startInProcess([], { VLLM_LOG_STATS_INTERVAL: '1' })
  await post(`${url}/v1/completions`, completion(8, false))
  await server.logged(
    /Engine 000: Avg prompt throughput: \d+\.\d tokens\/s, Avg generation throughput: [1-9]\d*\.\d tokens\/s, Running: 0 reqs, Waiting: 0 reqs, GPU KV cache usage: 0\.0%, Prefix cache hit rate: 0\.0%/,
  )
})

test('requests are logged when asked for', async () => {
  const { server, url } = await startInProcess(['--enable-log-requests'])
  await post(`${url}/v1/completions`, completion(2, false))
  await server.logged(/Received request id=\S+ model=m prompt_tokens=\d+ choices=1 max_tokens=2/)
  await server.logged(
    /Finished request id=\S+ finish_reason=length prompt_tokens=\d+ cached_tokens=0 completion_tokens=2/,
  )
})

test('whole exchanges are logged when asked for, streams without their body', async () => {
  const { server, url } = await startInProcess(['--log-http'])
  await post(`${url}/v1/completions`, completion(2, false))
  await server.logged(
    /HTTP request method=POST requestURI=\/v1\/completions remoteAddr=\S+ headers=".*body=".*Hello there/,
  )
  await server.logged(/HTTP response statusCode=200 headers="content-type: application\/json.* body=".*text_completion/)
  await (await startStream(url, 2)).rest
  await server.logged(
    /HTTP response statusCode=200 headers=\S*"?.*text\/event-stream.* body="<streamed response body not logged>"/,
  )
})
