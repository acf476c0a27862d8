import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '@vllm-sim/config'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { type Body, contractServer, envelope, generation, generationPaths, prompt } from './contract-server.ts'

// Administration, failures on purpose, plain endpoints, and what command lines and files mean.

const bad = (message: unknown): object => envelope(400, 'BadRequestError', message)

describe('the configuration', () => {
  const server = contractServer(['--seed', '1', '--enable-request-id-headers'])

  test('has all options of the reference', async () => {
    const { json, headers, text } = await server.get('/admin/config')
    expect(headers.get('content-type')).toBe('application/json')
    expect(json).toEqual({
      ...defaults,
      port: server.port,
      'force-dummy-tokenizer': true,
      'enable-request-id-headers': true,
    })
    const keys = Object.keys(JSON.parse(text))
    expect(keys).toEqual([...keys].sort())
  })

  test('is updated whole or not at all', async () => {
    const before = (await server.get('/admin/config')).json
    const change = async (body: unknown): Promise<Body> => {
      const reply = await server.post('/admin/config', body)
      expect(reply.status, reply.text).toBe(200)
      return reply.json
    }
    expect(await change({ 'time-to-first-token': '250ms', 'time-factor-under-load': 1.5 })).toEqual({
      ...before,
      'time-to-first-token': '250ms',
      'time-factor-under-load': 1.5,
    })
    for (const [body, message] of [
      [
        { 'inter-token-latency': '1s', 'time-to-first-token': '1ms', 'time-to-first-token-std-dev': '0.5ms' },
        'time to first token standard deviation cannot be more than 30% of time to first token',
      ],
      [{ port: 1 }, "field 'port' is not admin-configurable"],
      [{ 'Failure-injection-rate': 1 }, "field 'Failure-injection-rate' is not admin-configurable"],
      [{ 'max-num-seqs': 3 }, "field 'max-num-seqs' is not admin-configurable"],
      [
        { 'failure-types': ['bogus'] },
        "invalid failure type 'bogus', valid types are: rate_limit, invalid_api_key, context_length, server_error, invalid_request, model_not_found",
      ],
      [{ 'failure-injection-rate': 101 }, 'failure injection rate should be between 0 and 100'],
      [{ 'image-emission-rate': 101 }, 'image emission rate should be between 0 and 100'],
      [
        { 'latency-calculator': 'foo' },
        'unknown latency-calculator foo, supported calculators are: constant and per-token',
      ],
      [{ 'time-factor-under-load': 0.5 }, 'time factor under load cannot be less than 1.0'],
      [{ 'time-factor-under-load': 1e308 }, 'time-factor-under-load must not be above 1000000, got 1e+308'],
      [
        { 'inter-token-latency': '1000h' },
        'inter-token-latency must not be longer than 2147483647ms, got 3600000000ms',
      ],
      [{ 'inter-token-latency': '-1s' }, 'inter token latency cannot be negative'],
      [{ 'time-to-first-token': 'abc' }, 'field "time-to-first-token": time: invalid duration "abc"'],
      [{ 'time-to-first-token': '100' }, 'field "time-to-first-token": time: missing unit in duration "100"'],
      [{ 'time-to-first-token': '1d' }, 'field "time-to-first-token": time: unknown unit "d" in duration "1d"'],
      [{ 'time-to-first-token': 1.5 }, expect.stringMatching(/^failed to unmarshal payload: ./)],
      [{ 'failure-injection-rate': 'x' }, expect.stringMatching(/^failed to unmarshal payload: ./)],
      [[], expect.stringMatching(/^failed to unmarshal payload: ./)],
      ['', expect.stringMatching(/^failed to unmarshal payload: ./)],
    ] as const) {
      const reply = await server.post('/admin/config', body)
      expect([reply.status, reply.json]).toEqual([400, bad(message)])
    }
    const changed = (await server.get('/admin/config')).json
    expect(changed).toMatchObject({ 'time-to-first-token': '250ms', 'inter-token-latency': '0s' })
    expect(await change({ 'time-to-first-token': 1_500_000 })).toMatchObject({ 'time-to-first-token': '1.5ms' })
    expect(await change({ 'time-to-first-token': null })).toMatchObject({ 'time-to-first-token': '1.5ms' })
    expect(await change({ 'failure-types': ['rate_limit'] })).toMatchObject({ 'failure-types': ['rate_limit'] })
    expect((await change({ 'failure-types': null }))['failure-types'] ?? []).toEqual([])
    await change({ 'time-to-first-token': '0s', 'time-factor-under-load': 1, 'failure-types': [] })
    await change('null')
    await change({})
  })

  test('failures of each type, on every endpoint, instead of everything that comes after the body was read', async () => {
    for (const [name, status, type, param, message, anthropicType] of [
      [
        ...(['rate_limit', 429, 'RateLimitError', null] as const),
        'Rate limit reached for m in organization org-xxx on requests per min (RPM): Limit 3, Used 3, Requested 1.',
        'rate_limit_error',
      ],
      ['invalid_api_key', 401, 'AuthenticationError', null, 'Incorrect API key provided.', 'authentication_error'],
      [
        ...(['context_length', 400, 'BadRequestError', 'messages'] as const),
        "This model's maximum context length is 4096 tokens. However, your messages resulted in 4500 tokens.",
        'invalid_request_error',
      ],
      [
        ...(['server_error', 503, 'InternalServerError', null] as const),
        'The server is overloaded or not ready yet.',
        'overloaded_error',
      ],
      [
        ...(['invalid_request', 400, 'BadRequestError', 'model'] as const),
        "Invalid request: missing required parameter 'model'.",
        'invalid_request_error',
      ],
      [
        ...(['model_not_found', 404, 'NotFoundError', 'model'] as const),
        "The model 'm-nonexistent' does not exist",
        'not_found_error',
      ],
    ] as const) {
      await server.post('/admin/config', { 'failure-injection-rate': 100, 'failure-types': [name] })
      const anthropic = { type: 'error', error: { type: anthropicType, message }, request_id: null }
      for (const path of generationPaths) {
        const error = path === '/v1/messages' ? anthropic : envelope(status, type, message, param)
        for (const more of [{}, { stream: true }, { model: 'nope' }]) {
          const reply = await server.post(path, { ...generation[path], ...more }, { 'X-Request-Id': 'x' })
          expect([reply.status, reply.json]).toEqual([status, error])
          expect(reply.headers.get('x-request-id')).toBeNull()
        }
      }
    }
    expect((await server.post('/v1/completions', '{')).status).toBe(400)
    expect((await server.post('/v1/completions', {}, { 'X-Return-Error': '422' })).status).toBe(422)
    for (const [path, body] of [
      ['/tokenize', { prompt }],
      ['/v1/embeddings', { input: 'a' }],
      ['/v1/completions/render', { model: 'm', prompt }],
    ] as const) {
      expect((await server.post(path, body)).status).toBe(200)
    }
    await server.post('/admin/config', {
      'failure-injection-rate': 50,
      'failure-types': ['rate_limit', 'server_error'],
    })
    const statuses = new Set<number>()
    for (let at = 0; at < 100; at++) {
      statuses.add((await server.post('/v1/completions', { model: 'm', prompt, max_tokens: 1 })).status)
    }
    expect([...statuses].sort()).toEqual([200, 429, 503])
    await server.post('/admin/config', { 'failure-injection-rate': 0 })
    expect((await server.post('/v1/completions', { model: 'm', prompt, max_tokens: 1 })).status).toBe(200)
    const text = await server.metrics()
    expect(text).not.toMatch(/request_success_total\{finish_reason="error",model_name="m"\} [1-9]/)
  })

  test('plain endpoints', async () => {
    const health = await server.get('/health')
    expect([health.status, health.text, health.headers.get('content-type')]).toEqual([200, '', 'application/json'])
    expect((await server.get('/health/ready')).status).toBe(200)
    expect((await server.get('/is_sleeping')).text).toBe('{"is_sleeping":false}')
    const sleep = await server.post('/sleep', '')
    expect([sleep.status, sleep.text, (await server.get('/is_sleeping')).text]).toEqual([
      200,
      '',
      '{"is_sleeping":false}',
    ])
    const { json } = await server.get('/query')
    expect(json).toEqual({ '0': { engine_id: expect.stringMatching(/^[0-9a-f-]{36}$/) } })
    expect((await server.get('/query')).json).toEqual(json)
  })

  test('other paths and methods', async () => {
    const ask = (method: string, path: string): Promise<Response> =>
      fetch(server.url + path, { method, redirect: 'manual' })
    const plain = 'text/plain; charset=utf-8'
    const unknown = await ask('GET', '/nope')
    expect([unknown.status, unknown.headers.get('content-type'), await unknown.text()]).toEqual([
      404,
      plain,
      'Not Found',
    ])
    for (const [method, path, allow] of [
      ['GET', '/v1/chat/completions', 'POST, OPTIONS'],
      ['DELETE', '/v1/chat/completions', 'POST, OPTIONS'],
      ['POST', '/v1/models', 'GET, OPTIONS'],
      ['POST', '/metrics', 'GET, OPTIONS'],
    ] as const) {
      const wrong = await ask(method, path)
      expect([wrong.status, wrong.headers.get('allow'), await wrong.text()]).toEqual([405, allow, 'Method Not Allowed'])
      const asked = await ask('OPTIONS', path)
      expect([asked.status, asked.headers.get('allow'), await asked.text()]).toEqual([200, allow, ''])
    }
    expect((await ask('HEAD', '/v1/models')).status).toBe(405)
    const near = await ask('GET', '/v1/models/')
    expect([near.status, near.headers.get('location')]).toEqual([301, '/v1/models'])
  })

  test('a body above the limit is 413, whatever comes after it', async () => {
    const reply = await server.post('/v1/completions', { model: 'm', prompt: 'x'.repeat(5 * 1024 * 1024) })
    expect([reply.status, reply.json.error.code]).toEqual([413, 413])
    expect((await server.get('/health')).status).toBe(200)
  })
})

describe('start-up', () => {
  const ready = contractServer(['--startup-duration', '2s'], { standing: true })

  test('readiness comes later than life; requests are served meanwhile', async () => {
    const first = await ready.get('/health/ready')
    expect([first.status, first.text]).toEqual([503, ''])
    expect((await ready.get('/health')).status).toBe(200)
    expect((await ready.post('/v1/completions', { model: 'm', prompt, max_tokens: 1 })).status).toBe(200)
    ready.clock.advance(1999)
    expect((await ready.get('/health/ready')).status).toBe(503)
    ready.clock.advance(1)
    expect((await ready.get('/health/ready')).status).toBe(200)
  })
})

describe('command lines', () => {
  const file = (name: string): string => fileURLToPath(new URL(`../../../../manifests/${name}`, import.meta.url))
  const cfg = ['--config', file('config.yaml')]
  const m = ['--model', 'm']
  const load = async (args: string[], env: Record<string, string> = {}) => {
    const { config } = await loadConfig(args, env, path => readFileSync(path, 'utf8'))
    if (!config) throw new Error('no configuration')
    return config
  }

  test('flags win over the file', async () => {
    const config = await load([
      ...[...cfg, '--model', 't', '--port', '8002', '--served-model-name', 'a', 'b', '--event-batch-size', '5'],
      ...['--lora-modules', '{"name":"l3","path":"/3"}', '{"name":"l4","path":"/4"}'],
    ])
    expect(config).toMatchObject({ model: 't', port: 8002, servedModelName: ['a', 'b'], eventBatchSize: 5 })
    expect(config.loraModules.map(one => [one.name, one.path])).toEqual([
      ['l3', '/3'],
      ['l4', '/4'],
    ])
    expect(config).toMatchObject({ maxLoras: 2, maxCpuLoras: 5, maxNumSeqs: 5, mode: 'random' })
    expect(config.latency).toMatchObject({ timeToFirstToken: 2000, interTokenLatency: 1000, kvTransferLatency: 100 })
  })

  test('lists can be emptied', async () => {
    const config = await load([...cfg, '--served-model-name', '--lora-modules={"name":"l3"}'])
    expect([config.servedModelName, config.loraModules.map(one => one.name)]).toEqual([
      ['Qwen/Qwen2-VL-2B-Instruct'],
      ['l3'],
    ])
    for (const none of [['--lora-modules', ''], ['--lora-modules']]) {
      expect((await load([...cfg, ...none])).loraModules).toEqual([])
    }
  })

  test('environment', async () => {
    expect((await load(cfg, { SIM_MODEL: 'e' })).model).toBe('e')
    expect((await load([...cfg, '--model', 't'], { SIM_MODEL: 'e' })).model).toBe('t')
    expect((await load(m, { PYTHONHASHSEED: '7' })).hashSeed).toBe('7')
  })

  test.each([
    [[...m, '--tensor-parallel-size', '2', '--enforce-eager', '--no-enable-prefix-caching']],
    [[...m, '--data-parallel-size', '3', '--kv-events-replay-endpoint', 'tcp://*:5600']],
    [[...m, '--inter-token-latency', '1000ms', '--inter-token-latency-std-dev', '300ms']],
    [[...m, '--enable-sleep-mode=true', '-v', '5']],
    [[...m, '--enable-kvcache', 'true']],
  ])('%j is accepted', async args => {
    await load(args)
  })

  test.each([
    [[...cfg, '--max-loras', '15'], 'max CPU LoRAs cannot be less than max LoRAs'],
    [[...m, '--port', '-50'], "invalid port '-50'"],
    [
      [...cfg, '--inter-token-latency', '1000ms', '--inter-token-latency-std-dev', '301ms'],
      'inter token latency standard deviation cannot be more than 30% of inter token latency',
    ],
    [
      [...m, '--time-to-first-token-std-dev', '10ms', '--time-to-first-token-std-dev', '-1ms'],
      'time to first token standard deviation cannot be negative',
    ],
    [
      ['3', '2']
        .flatMap((value, at) => [`--data-parallel-${at ? 'rank' : 'size'}`, value])
        .concat(m, ['--kv-events-replay-endpoint', 'tcp://127.0.0.1:5559']),
      'zmq-endpoint (tcp://127.0.0.1:5557) and kv-events-replay-endpoint (tcp://127.0.0.1:5559) ports collide once offset by data-parallel rank',
    ],
    [[...m, '--mode', 'echo', '--dataset-path', 'x'], 'dataset cannot be defined in echo mode'],
    [[...m, '--ssl-certfile', 'x'], 'both ssl-certfile and ssl-keyfile must be provided together'],
    [
      [...m, '--fake-metrics', '{"running-requests":"foo:0:8:10s"}'],
      'invalid fake metrics generation function foo, must be one of the following: oscillate, ramp, rampreset, squarewave',
    ],
    [[], 'model parameter is empty'],
    [['--model', ''], 'model parameter is empty'],
    [[...m, '--fake-metrics'], 'flag needs an argument: --fake-metrics'],
    [[...m, '--mode', 'x'], "invalid mode 'x', valid values are 'random' and 'echo'"],
    [[...m, '--max-num-seqs', '0'], 'max num seqs cannot be less than 1'],
    [[...m, '--block-size', '7'], 'token block size should be one of the following: 8, 16, 32, 64, 128'],
    [[...m, '--lora-modules', '{"name":""}'], 'empty LoRA name'],
    [[...m, '--lora-modules', '{"name":"l","base_model_name":"b"}'], "unknown base model 'b' for LoRA 'l'"],
  ])('%j is refused: %s', async (args, message) => {
    await expect(load(args)).rejects.toThrow(ConfigError)
    await expect(load(args)).rejects.toThrow(message)
  })
})

const defaults = {
  DisplayModelName: 'm',
  IP: '',
  PodName: '',
  PodNameSpace: '',
  VllmDevMode: false,
  'block-size': 16,
  'data-parallel-rank': 0,
  'data-parallel-size': 1,
  'dataset-in-memory': false,
  'dataset-path': '',
  'dataset-table-name': 'llmd',
  'dataset-url': '',
  'default-embedding-dimensions': 384,
  'ec-transfer-config': '',
  'enable-kvcache': false,
  'enable-prefix-caching': false,
  'enable-request-id-headers': false,
  'enable-sleep-mode': false,
  'enforce-eager': false,
  'event-batch-size': 16,
  'failure-injection-rate': 0,
  'failure-types': null,
  'fake-metrics': null,
  'fake-metrics-refresh-interval': '100ms',
  'force-dummy-tokenizer': false,
  'global-cache-hit-threshold': 0,
  'hash-seed': '',
  'image-emission-rate': 0,
  'inter-token-latency': '0s',
  'inter-token-latency-std-dev': '0s',
  'kv-cache-size': 1024,
  'kv-cache-transfer-latency': '0s',
  'kv-cache-transfer-latency-std-dev': '0s',
  'kv-cache-transfer-time-per-token': '0s',
  'kv-cache-transfer-time-std-dev': '0s',
  'kv-events-replay-endpoint': '',
  'kv-events-replay-queue-size': 1024,
  'latency-calculator': '',
  'log-http': false,
  'lora-modules': null,
  'max-cpu-loras': 1,
  'max-loras': 1,
  'max-model-len': 1024,
  'max-num-seqs': 5,
  'max-request-body-size-mb': 4,
  'max-tool-call-array-param-length': 5,
  'max-tool-call-integer-param': 100,
  'max-tool-call-number-param': 100,
  'max-waiting-queue-length': 1000,
  'min-tool-call-array-param-length': 1,
  'min-tool-call-integer-param': 0,
  'min-tool-call-number-param': 0,
  'mm-encoder-only': false,
  'mm-processor-kwargs': '',
  'mm-render-timeout': '1m0s',
  mode: 'random',
  model: 'm',
  'object-tool-call-not-required-field-probability': 50,
  omni: false,
  port: 8000,
  'prefill-overhead': '0s',
  'prefill-time-per-token': '0s',
  'prefill-time-std-dev': '0s',
  'render-timeout': '30s',
  'render-url': 'http://localhost:8082',
  seed: 1,
  'self-signed-certs': false,
  'served-model-name': ['m'],
  'skip-tool-validation': false,
  'ssl-certfile': '',
  'ssl-keyfile': '',
  'startup-duration': '0s',
  'tensor-parallel-size': 0,
  'time-factor-under-load': 1,
  'time-to-first-token': '0s',
  'time-to-first-token-std-dev': '0s',
  'time-to-generate-image': '0s',
  'time-to-generate-image-std-dev': '0s',
  'tool-call-extra-call-probability': 45,
  'tool-call-not-required-param-probability': 50,
  'use-vllm-map-event-format': false,
  'zmq-endpoint': 'tcp://127.0.0.1:5557',
}
