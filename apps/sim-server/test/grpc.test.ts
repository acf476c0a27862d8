import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, Metadata, status } from '@grpc/grpc-js'
import { GrpcClient } from '@vllm-sim/transport-grpc/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startInProcess } from './in-process.ts'
import { serverCertificates } from './server-certificates.ts'
import { completion, post, startServer } from './server-process.ts'

interface Response {
  readonly response: 'chunk' | 'complete'
  readonly chunk: { readonly token_ids: number[] }
  readonly complete: { readonly output_ids: number[]; readonly finish_reason: string }
}

const patient = { timeout: 60_000, interval: 10 }

function client(address: string, service?: string, security = credentials.createInsecure()): GrpcClient {
  const made = new GrpcClient(address, service, security)
  onTestFinished(() => made.close())
  return made
}

async function gauge(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name}[{,].*\\} (.*)$`, 'm').exec(text)?.[1])
}

const request = (tokens: number, more: object = {}) => ({
  text: 'Hello there.',
  sampling_params: { max_tokens: tokens, ignore_eos: true, seed: 7 },
  ...more,
})

test('one port, one engine: gRPC and HTTP side by side', async () => {
  const { server, port, url } = await startServer(['--max-num-seqs', '300', '--inter-token-latency', '5ms'])
  const grpc = client(`127.0.0.1:${port}`)

  // The same prompt, parameters and seed give the same tokens.
  const http = await post(`${url}/v1/completions`, { ...completion(6, false), seed: 7, return_token_ids: true })
  const ids = ((await http.json()) as { choices: { token_ids: number[] }[] }).choices[0]!.token_ids
  const whole = await grpc.messages<Response>('Generate', request(6))
  expect(whole.messages[0]!.complete.output_ids).toEqual(ids)

  const streams = Array.from({ length: 100 }, async (_, i) => {
    const answer = await grpc.messages<Response>('Generate', request(10, { stream: true, request_id: `r${i}` }))
    return answer.messages.length
  })
  const others = Array.from({ length: 100 }, async () =>
    (await (await post(`${url}/v1/completions`, completion(10, true))).text()).match(/^data: \{/gm),
  )
  expect(new Set(await Promise.all(streams))).toEqual(new Set([11]))
  for (const frames of await Promise.all(others)) expect(frames?.length).toBeGreaterThanOrEqual(10)

  // Abort reaches a request that came by HTTP.
  const long = post(`${url}/v1/completions`, { ...completion(900, false), request_id: 'by-http' })
  await vi.waitFor(async () => expect(await gauge(url, 'vllm:num_requests_running')).toBe(1), patient)
  await grpc.unary('Abort', { request_ids: ['by-http'] })
  expect(((await (await long).json()) as { choices: { finish_reason: string }[] }).choices[0]!.finish_reason).toBe(
    'abort',
  )

  // A browser's way: Connect as JSON, over HTTP/1.1. REST does not speak HTTP/2 here.
  const connectJson = await fetch(`${url}/vllm.grpc.engine.VllmEngine/GetModelInfo`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'http://somewhere' },
    body: '{}',
  })
  expect(connectJson.headers.get('access-control-allow-origin')).toBe('*')
  expect(await connectJson.json()).toMatchObject({ modelPath: 'm', isGeneration: true })
  const session = connectHttp2(url)
  onTestFinished(() => session.destroy())
  const rest = session.request({ ':path': '/v1/models' })
  const got = await new Promise<number | undefined>(resolve => rest.on('response', head => resolve(head[':status'])))
  expect(got).toBe(404)

  // 1,200 calls that are cancelled in the middle on one connection leave it alive.
  for (let round = 0; round < 12; round++) {
    const calls = Array.from({ length: 100 }, () => grpc.stream('Generate', request(500, { stream: true })))
    await Promise.all(
      calls.map(
        call =>
          new Promise<void>(resolve => {
            call.once('data', () => call.cancel())
            call.once('error', () => resolve())
          }),
      ),
    )
  }
  await vi.waitFor(async () => expect(await gauge(url, 'vllm:num_requests_running')).toBe(0), patient)

  // A connection that is lost ends its calls, the only one of a connection too.
  const aborted = 'vllm:request_success_total{finish_reason="abort"'
  const before = await gauge(url, aborted)
  const lost = connectHttp2(url)
  lost.on('error', () => {})
  const left = lost.request({
    ':method': 'POST',
    ':path': '/vllm.grpc.engine.VllmEngine/Generate',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  left.on('error', () => {})
  // The text "a", 900 tokens that end by nothing else, streamed.
  left.end(Buffer.from([0, 0, 0, 0, 12, 0x1a, 1, 0x61, 0x22, 5, 0x40, 0x84, 7, 0x70, 1, 0x28, 1]))
  await new Promise(resolve => left.once('data', resolve))
  lost.destroy()
  await vi.waitFor(async () => expect(await gauge(url, 'vllm:num_requests_running')).toBe(0), patient)
  expect(await gauge(url, aborted)).toBe(before + 1)

  // A preface in pieces, then garbage: that connection ends.
  const raw = connect(port, '127.0.0.1')
  const ended = new Promise(resolve => raw.once('close', resolve))
  raw.on('error', () => {}).resume()
  raw.write('PRI * HT')
  raw.write('TP/2.0\r\n\r\nSM')
  raw.write('\r\n\r\n')
  raw.write(Buffer.alloc(200, 0xff))
  await ended
  expect((await grpc.messages('Generate', request(2))).error).toBeUndefined()

  // A running stream goes on after SIGTERM, a new call is refused, health says so, and the process ends in order.
  const health = client(`127.0.0.1:${port}`, 'grpc.health.v1.Health')
  const watch = health.stream<{ status: string }>('Watch', {})
  const states: string[] = []
  watch.on('data', ({ status: state }) => states.push(state)).on('error', () => {})
  const running = grpc.messages<Response>('Generate', request(300, { stream: true }))
  await vi.waitFor(() => expect(states).toEqual(['SERVING']), patient)
  await vi.waitFor(async () => expect(await gauge(url, 'vllm:num_requests_running')).toBe(1), patient)
  server.kill('SIGTERM')
  await vi.waitFor(() => expect(states).toEqual(['SERVING', 'NOT_SERVING']), patient)
  expect((await grpc.messages('Generate', request(2))).error).toMatchObject({
    code: status.UNAVAILABLE,
    details: 'server is shutting down',
  })
  expect((await running).messages).toHaveLength(301)
  watch.cancel()
  grpc.close()
  health.close()
  expect((await server.ended).code).toBe(0)
})

describe('over TLS', () => {
  test('by ALPN, with a key, and in clear text only where that is allowed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'vllm-sim-grpc-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const [pair] = serverCertificates
    writeFileSync(join(directory, 'tls.crt'), pair.cert)
    writeFileSync(join(directory, 'tls.key'), pair.key)
    const files = ['--ssl-certfile', join(directory, 'tls.crt'), '--ssl-keyfile', join(directory, 'tls.key')]
    const { port } = await startInProcess([...files, '--api-key', 'secret', '--grpc'])
    const secure = credentials.createSsl(Buffer.from(pair.cert))
    const grpc = client(`localhost:${port}`, undefined, secure)
    expect((await grpc.messages('Generate', request(2))).error).toMatchObject({ code: status.UNAUTHENTICATED })
    const metadata = new Metadata()
    metadata.set('authorization', 'Bearer secret')
    expect((await grpc.messages('Generate', request(2), metadata)).error).toBeUndefined()
    expect(await client(`localhost:${port}`, 'grpc.health.v1.Health', secure).unary('Check', {})).toEqual({
      status: 'SERVING',
    })
    const plain = await client(`127.0.0.1:${port}`).messages('Generate', request(2))
    expect(plain.error?.code).toBe(status.UNAVAILABLE)

    const both = await startInProcess([...files, '--grpc-plaintext'])
    expect((await client(`127.0.0.1:${both.port}`).messages('Generate', request(2))).error).toBeUndefined()
    expect(
      (await client(`localhost:${both.port}`, undefined, secure).messages('Generate', request(2))).error,
    ).toBeUndefined()
  })
})
