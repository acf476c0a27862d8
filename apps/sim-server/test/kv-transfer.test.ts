import { RealClock } from '@vllm-sim/core-engine'
import type { KvTransfer } from '@vllm-sim/kv-transfer'
import { Cleanup, createLog } from '@vllm-sim/service'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { GrpcClient } from '@vllm-sim/transport-grpc/testing'
import { expect, onTestFinished, test } from 'vitest'
import { serve } from '../src/assemble/serve.ts'
import { load } from '../src/config/testing/load.ts'

interface Server {
  readonly port: number
  post(path: string, body: object): Promise<{ status: number; source: string | null; body: Answer }>
  transfers(): Promise<KvTransfer[]>
  /** Samples whose names begin like this. */
  metrics(prefix: string): Promise<Record<string, number>>
}

interface Answer {
  readonly kv_transfer_params?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string; readonly type: string }
}

/** A server in this process, with a side channel on a free port. */
async function start(transferConfig: object, ...argv: readonly string[]): Promise<Server> {
  const { config } = await load(
    [
      ...['--model', 'm', '--host', '127.0.0.1', '--port', '0', '--no-warm-up', '--block-size', '8', ...argv],
      ...[
        '--kv-transfer-config',
        JSON.stringify({ kv_connector: 'NixlConnector', kv_role: 'kv_both', ...transferConfig }),
      ],
    ],
    { VLLM_NIXL_SIDE_CHANNEL_HOST: '127.0.0.1', VLLM_NIXL_SIDE_CHANNEL_PORT: '0' },
  )
  const running = await serve({
    config,
    log: createLog({ level: 'silent', format: 'json' }),
    tokenizer: new SimulatedTokenizer(),
    cleanup: new Cleanup(new RealClock(), 1000),
  })
  onTestFinished(async () => void (await running.stop(0)))
  const url = `http://127.0.0.1:${running.ports[0]}`
  return {
    port: running.ports[0]!,
    async post(path, body) {
      const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })
      const source = response.headers.get('x-kv-transfer')
      return { status: response.status, source, body: (await response.json()) as Answer }
    },
    async transfers() {
      const response = await fetch(`${url}/admin/kv-transfers`)
      return ((await response.json()) as { transfers: KvTransfer[] }).transfers
    },
    async metrics(prefix) {
      const text = await (await fetch(`${url}/metrics`)).text()
      const lines = text.split('\n').filter(line => line.startsWith(prefix))
      return Object.fromEntries(
        lines.map(line => [
          line.replace(/model_name="m",?|\{model_name="m"\}| .*$/g, ''),
          Number(line.split(' ').at(-1)),
        ]),
      )
    },
  }
}

const words = 'one two three four five six seven eight nine ten eleven twelve'
const prefill = { do_remote_decode: true, do_remote_prefill: false, remote_engine_id: null, remote_block_ids: null }

/** A request of each dialect that has parameters. */
const dialects: [string, object][] = [
  ['/v1/chat/completions', { messages: [{ role: 'user', content: words }], max_tokens: 1 }],
  ['/v1/completions', { prompt: words, max_tokens: 1 }],
  ['/v1/messages', { messages: [{ role: 'user', content: words }], max_tokens: 1 }],
  ['/v1/responses', { input: words, max_output_tokens: 1 }],
  [
    '/inference/v1/generate',
    { token_ids: Array.from({ length: 24 }, (_, at) => at), sampling_params: { max_tokens: 1 } },
  ],
]

test('every dialect hands blocks over and takes them, and the counters of both sides say so', async () => {
  const prefiller = await start({ engine_id: 'P' })
  const decoder = await start({ engine_id: 'D' }, '--debug-headers', '--kv-cache-transfer-latency', '2ms')
  for (const [path, body] of dialects) {
    const first = await prefiller.post(path, { model: 'm', ...body, kv_transfer_params: prefill })
    expect([path, first.status, first.source]).toEqual([path, 200, null])
    const params = first.body.kv_transfer_params!
    expect(params).toMatchObject({ do_remote_prefill: true, remote_engine_id: 'P', remote_host: '127.0.0.1' })
    const second = await decoder.post(path, { model: 'm', ...body, kv_transfer_params: params })
    expect([path, second.status, second.source]).toEqual([
      path,
      200,
      expect.stringMatching(/^transferred; blocks=[1-9]/),
    ])
    expect(second.body.kv_transfer_params ?? null).toBeNull()
  }
  const grpc = new GrpcClient(`127.0.0.1:${prefiller.port}`)
  const other = new GrpcClient(`127.0.0.1:${decoder.port}`)
  onTestFinished(() => [grpc, other].forEach(one => void one.close()))
  const ask = { text: words, sampling_params: { max_tokens: 1 } }
  type Complete = { complete: { kv_transfer_params_json: string; kv_transfer_params: { remote_port: number } } }
  const handed = await grpc.messages<Complete>('Generate', { ...ask, kv_transfer_params_json: JSON.stringify(prefill) })
  const { kv_transfer_params_json: json, kv_transfer_params: named } = handed.messages[0]!.complete
  expect(JSON.parse(json)).toMatchObject({ remote_engine_id: 'P', remote_port: named.remote_port })
  const taken = await other.messages('Generate', { ...ask, kv_transfer_params_json: json })
  expect(taken.error).toBeUndefined()
  expect((await decoder.post('/v1/completions', { model: 'm', prompt: 'a' })).source).toBe('none')

  const [held, got] = [await prefiller.transfers(), await decoder.transfers()]
  expect(held.map(one => [one.id, one.status])).toEqual(got.map(one => [one.id, 'taken']))
  expect(got.map(one => one.status)).toEqual(Array(6).fill('transferred'))
  const bySource = await decoder.metrics('vllm:prompt_tokens_by_source_total')
  expect(bySource['vllm:prompt_tokens_by_source_total{source="external_kv_transfer"}']).toBeGreaterThan(0)
  expect(await decoder.metrics('vllm:nixl_')).toMatchObject({
    'vllm:nixl_xfer_time_seconds_count': 6,
    'vllm:nixl_post_time_seconds_count': 6,
    'vllm:nixl_bytes_transferred_sum': 131_072 * got.reduce((sum, one) => sum + one.tokens, 0),
    'vllm:nixl_num_descriptors_sum': 64 * got.reduce((sum, one) => sum + one.blocks, 0),
    'vllm:nixl_num_failed_transfers_total': 0,
  })
  expect(await prefiller.metrics('vllm:kv_cache_usage_perc')).toEqual({ 'vllm:kv_cache_usage_perc': 0 })
})

test('blocks that are gone: computed here or an internal error, as the policy says', async () => {
  const both = await start({
    kv_load_failure_policy: 'recompute',
    kv_connector_extra_config: { kv_lease_duration: 0.05 },
  })
  const strict = await start({ engine_id: 'S' }, '--debug-headers')
  const [path, body] = dialects[1]!
  const { body: answer } = await both.post(path, { model: 'm', ...body, kv_transfer_params: prefill })
  await expect.poll(async () => (await both.transfers())[0]!.status).toBe('expired')
  const params = answer.kv_transfer_params
  const failed = await strict.post(path, { model: 'm', ...body, kv_transfer_params: params })
  expect(failed).toMatchObject({ status: 500, body: { error: { message: 'Internal server error' } } })
  const recomputed = await both.post(path, { model: 'm', ...body, kv_transfer_params: params })
  expect([recomputed.status, recomputed.source]).toEqual([200, null])
  expect(await strict.metrics('vllm:request_success_total{finish_reason="error"')).toEqual({
    'vllm:request_success_total{finish_reason="error",}': 1,
  })
  expect(await both.metrics('vllm:nixl_num')).toMatchObject({
    'vllm:nixl_num_failed_transfers_total': 1,
    'vllm:nixl_num_kv_expired_reqs_total': 1,
    'vllm:nixl_num_notifications_after_expiry_total': 2,
  })
  const bySource = await both.metrics('vllm:prompt_tokens_by_source_total')
  expect(bySource['vllm:prompt_tokens_by_source_total{source="external_kv_transfer"}']).toBe(0)

  // Constants of a server without a connector are no failure.
  const constants = { do_remote_prefill: true, remote_engine_id: 'DUMMY_ID', remote_host: 'DUMMY', remote_port: 1234 }
  const computed = await strict.post(path, { model: 'm', ...body, kv_transfer_params: constants })
  expect([computed.status, computed.source]).toEqual([200, 'computed'])
})
