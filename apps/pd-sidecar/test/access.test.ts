import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createSecureServer, request as secureRequest } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RealClock } from '@vllm-sim/latency'
import { clientCertificate } from '@vllm-sim/service/testing'
import { selfSignedPair } from '@vllm-sim/service/tls'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { StaticAllowList } from '../src/trust/allow-list.ts'
import { decoded, json, mock, nixlPrefiller, prefilled } from './mock.ts'
import { chat, counted, post, sidecar } from './sidecar.ts'

/** The first of neighbouring ports that are free. */
async function neighbours(count: number): Promise<number> {
  for (let first = 20_000 + ((process.pid * 37) % 10_000); ; first += count) {
    const free = await Promise.all(
      Array.from({ length: count }, (_, at) => {
        const server = createServer()
        return new Promise<boolean>(resolve => {
          server.once('error', () => resolve(false))
          server.listen(first + at, '127.0.0.1', () => server.close(() => resolve(true)))
        })
      }),
    )
    if (free.every(one => one)) return first
  }
}

describe('which targets requests may name', () => {
  test('those of the list', () => {
    const list = new StaticAllowList(['10.0.0.1:8000', 'pod-1', '[::1]:8000', '[fe80::1]'])
    const allowed = [
      ['10.0.0.1', 8000],
      ['pod-1', 1],
      ['::1', 8000],
      ['fe80::1', 5],
    ] as const
    const denied = [
      ['10.0.0.1', 8001],
      ['10.0.0.2', 8000],
      ['pod-2', 1],
      ['::1', 8001],
    ] as const
    for (const [host, port] of allowed) expect([host, list.allows({ host, port })]).toEqual([host, true])
    for (const [host, port] of denied) expect([host, list.allows({ host, port })]).toEqual([host, false])
    expect(() => new StaticAllowList(['a:b:c'])).toThrow('--ssrf-allow: "a:b:c" is neither host:port nor a host')
  })

  const guarded = ['--enable-ssrf-protection']

  test('a prefiller that is not among them is a 403, and nobody is called', async () => {
    const p = await mock(nixlPrefiller)
    const d = await mock(json(decoded))
    const s = await sidecar(d.port, [...guarded, '--ssrf-allow=10.0.0.1'])
    for (const name of [p.host, 'ftp://10.0.0.1', '10.0.0.1:0', '::1']) {
      const answer = await post(s.url, chat, { 'x-prefiller-host-port': name })
      expect([
        answer.status,
        answer.headers.get('content-type'),
        answer.headers.get('x-content-type-options'),
        await answer.text(),
      ]).toEqual([
        403,
        'text/plain; charset=utf-8',
        'nosniff',
        'Forbidden: prefill target not allowed by SSRF protection\n',
      ])
    }
    expect([p.seen.length, d.seen.length, counted(s, 'denied_targets_total{stage="prefill"}')]).toEqual([0, 0, 4])
  })

  test('others are dropped, and retries stay among them', async () => {
    const p = await mock(json({}, 503))
    const e = await mock()
    const d = await mock(json(decoded))
    const args = [
      ...guarded,
      `--ssrf-allow=${p.host}`,
      '--ec-connector=ec-example',
      '--prefill-max-retries=1',
      '--prefill-retry-backoff=1ms',
      '--enable-p2p-pull',
    ]
    const s = await sidecar(d.port, args)
    const image = { type: 'image_url', image_url: { url: 'http://a/1' } }
    await post(
      s.url,
      { ...chat, messages: [{ role: 'user', content: [image] }] },
      { 'x-encoder-hosts-ports': e.host, 'x-kv-cache-source-host-port': e.host },
    )
    expect([e.seen.length, d.seen.length]).toEqual([0, 1])
    expect((await post(s.url, chat, { 'x-prefiller-host-port': `${p.host},${e.host}` })).status).toBe(503)
    expect([p.seen.length, e.seen.length]).toEqual([2, 0])
  })

  test('without a cluster a pool is no list', async () => {
    await expect(sidecar(1, [...guarded, '--inference-pool=p'])).rejects.toThrow(
      /needs a cluster|configuration of the cluster/,
    )
  })
})

test.each([
  ['a path', '127.0.0.1:1/x'],
  ['a user', 'u@127.0.0.1:1'],
  ['another scheme', 'https://127.0.0.1:1'],
  ['IPv6 without brackets', '::1:8000'],
  ['port 0', '127.0.0.1:0'],
])('a prefiller with %s is a 502 and reaches nobody', async (_what, name) => {
  const d = await mock(json(decoded))
  const s = await sidecar(d.port)
  expect([(await post(s.url, chat, { 'x-prefiller-host-port': name })).status, d.seen.length]).toEqual([502, 0])
})

test('five hundred targets: the first is taken', async () => {
  const p = await mock(nixlPrefiller)
  const d = await mock(json(decoded))
  const s = await sidecar(d.port)
  const names = [p.host, ...Array.from({ length: 499 }, (_, at) => `10.0.${at >> 8}.${at & 255}:8000`)]
  expect((await post(s.url, chat, { 'x-prefiller-host-port': names.join(',') })).status).toBe(200)
  expect(p.seen).toHaveLength(1)
})

describe('Responses with a history on the server', () => {
  test.each([
    ['previous_response_id', 'r'],
    ['conversation', { id: 'c' }],
    ['background', true],
  ])('%s: the decoder alone', async (name, value) => {
    const p = await mock(nixlPrefiller)
    const d = await mock(json(decoded))
    const s = await sidecar(d.port)
    await post(s.url, { input: 'x', [name]: value }, { 'x-prefiller-host-port': p.host }, '/v1/responses')
    expect([p.seen.length, d.seen[0]!.body, counted(s, 'stateful_responses_total')]).toEqual([
      0,
      { input: 'x', [name]: value },
      1,
    ])
  })

  test('null and false are no history; with the switch others are refused', async () => {
    const p = await mock(nixlPrefiller)
    const d = await mock(json(decoded))
    const s = await sidecar(d.port, ['--refuse-stateful-responses'])
    await post(
      s.url,
      { previous_response_id: null, background: false },
      { 'x-prefiller-host-port': p.host },
      '/v1/responses',
    )
    expect(p.seen).toHaveLength(1)
    const answer = await post(s.url, { conversation: 'c' }, {}, '/v1/responses')
    expect([answer.status, ((await answer.json()) as { message: string }).message]).toEqual([
      400,
      'conversation is not supported: the sidecar keeps no state of responses',
    ])
    expect(d.seen).toHaveLength(1)
  })
})

describe('ranks', () => {
  test('have a listener and a decoder each; rank 0 reaches the others by their address', async () => {
    const ports = await neighbours(2)
    const [first, second] = [await mock(json({ rank: 0 }), ports), await mock(json({ rank: 1 }), ports + 1)]
    const own = await neighbours(2)
    const s = await sidecar(ports, [`--port=${own}`, '--data-parallel-size=2'], {}, { POD_IP: '127.0.0.1' })
    const ask = async (rank: number, to?: string) => {
      const answer = await post(
        `http://127.0.0.1:${own + rank}`,
        chat,
        to === undefined ? {} : { 'x-data-parallel-host-port': to },
      )
      return answer.status === 200 ? ((await answer.json()) as { rank: number }).rank : answer.status
    }
    expect([await ask(0), await ask(1)]).toEqual([0, 1])
    expect([await ask(0, `127.0.0.1:${own + 1}`), await ask(0, `127.0.0.1:${own}`)]).toEqual([1, 0])
    expect([await ask(0, '127.0.0.1:1'), await ask(1, '127.0.0.1:1')]).toEqual([400, 1])
    for (const { headers } of [...first.seen, ...second.seen])
      expect(headers['x-data-parallel-host-port']).toBeUndefined()
    expect(s.ports).toEqual([own, own + 1])
  })
})

describe('over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pd-sidecar-'))
  let pair: { cert: string; key: string }

  beforeAll(async () => {
    pair = await selfSignedPair(new RealClock(), 'test', [])
    writeFileSync(join(folder, 'tls.crt'), pair.cert)
    writeFileSync(join(folder, 'tls.key'), pair.key)
    mkdirSync(join(folder, 'client'))
    writeFileSync(join(folder, 'client', 'tls.crt'), clientCertificate.cert)
    writeFileSync(join(folder, 'client', 'tls.key'), clientCertificate.key)
    return () => rmSync(folder, { recursive: true })
  })

  /** A server over TLS that answers like a prefiller. */
  async function secure(requestCert = false): Promise<string> {
    const server = createSecureServer({ ...pair, requestCert, ca: clientCertificate.cert }, (_req, res) =>
      res.end(JSON.stringify(prefilled)),
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test.each([
    [[], 502],
    [['--tls-insecure-skip-verify=prefiller'], 200],
    [['--upstream-ca-file={folder}/tls.crt'], 200],
    [['--upstream-ca-file={folder}/tls.crt', '--client-cert-path={folder}/client'], 200],
    [['--upstream-ca-file={folder}/tls.crt', '--host=127.0.0.1'], 502],
  ])('a prefiller, with %j: %i', async (args, status) => {
    const d = await mock(json(decoded))
    const s = await sidecar(d.port, ['--enable-tls=prefiller', ...args.map(one => one.replace('{folder}', folder))])
    const answer = await post(s.url, chat, { 'x-prefiller-host-port': await secure(args.length > 1) })
    expect([answer.status, d.seen.length]).toEqual([status, status === 200 ? 1 : 0])
  })

  test('clients, streamed; with --client-ca-file they must show a certificate', async () => {
    const d = await mock((_seen, res) =>
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: [DONE]\n\n'),
    )
    const ask = (url: string, more: object): Promise<string> =>
      new Promise((resolve, reject) => {
        const req = secureRequest(
          `${url}/v1/chat/completions`,
          { method: 'POST', ca: pair.cert, agent: false, ...more },
          async res => {
            let text = ''
            for await (const piece of res) text += piece
            resolve(text)
          },
        )
        req.on('error', reject)
        req.end('{}')
      })
    const s = await sidecar(d.port, ['--secure-serving', `--cert-path=${folder}`])
    expect(s.url).toMatch(/^https:/)
    expect(await ask(s.url, {})).toBe('data: [DONE]\n\n')
    await expect(ask(s.url, { maxVersion: 'TLSv1.1' })).rejects.toThrow()
    const guarded = await sidecar(d.port, [
      '--secure-serving',
      `--cert-path=${folder}`,
      `--client-ca-file=${folder}/client/tls.crt`,
    ])
    await expect(ask(guarded.url, {})).rejects.toThrow()
    expect(await ask(guarded.url, clientCertificate)).toBe('data: [DONE]\n\n')
  })
})

test('metrics have a port of their own', async () => {
  const d = await mock(json('decoder_metric 1'))
  const s = await sidecar(d.port, [], {}, { MORIIO_METRICS_ADDR: '127.0.0.1:0' })
  expect(await (await fetch(`${s.url}/metrics`)).text()).toBe('decoder_metric 1')
  const own = await fetch(`http://127.0.0.1:${s.metricsPort}/metrics`)
  expect(own.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await own.text()
  expect(text).toContain('# TYPE llm_d_disagg_sidecar_prefill_duration_seconds histogram')
  expect(text).toContain('llm_d_disagg_sidecar_prefill_duration_seconds_bucket{le="0.005"} 0')
  expect((await fetch(`http://127.0.0.1:${s.metricsPort}/x`)).status).toBe(404)
})
