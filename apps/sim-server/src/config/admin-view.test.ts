import { describe, expect, test } from 'vitest'
import { configView, optionsView } from './admin-view.ts'
import { configOfRank } from './config.ts'
import { load, loadModel, loadYaml } from './testing/load.ts'

/** What the reference answers for `--model m --seed 1`. */
const REFERENCE = {
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

async function viewOf(...argv: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(configView(await loadModel(...argv)))
}

test('the 82 keys of the reference, in its order, to the byte', async () => {
  expect(Object.keys(REFERENCE)).toHaveLength(82)
  expect(configView(await loadModel('--seed', '1'))).toBe(JSON.stringify(REFERENCE))
})

test('a 64-bit seed is shown exactly', async () => {
  expect(configView(await loadModel('--seed', '9223372036854775807'))).toContain('"seed":9223372036854775807,')
})

test('values of the environment and vLLM’s short forms', async () => {
  const { config } = await load(['serve', 'm', '-tp', '2'], {
    POD_IP: '10.0.0.1',
    POD_NAME: 'p',
    POD_NAMESPACE: 'n',
    VLLM_SERVER_DEV_MODE: '1',
  })
  expect(JSON.parse(configView(config))).toMatchObject({
    IP: '10.0.0.1',
    PodName: 'p',
    PodNameSpace: 'n',
    VllmDevMode: true,
    'tensor-parallel-size': 2,
  })
})

test('secrets and options of ours are not shown', async () => {
  const view = await viewOf('--api-key', 'secret', '--hf-token', 'secret', '--time-scale', '2')
  expect(Object.keys(view)).toHaveLength(82)
  expect(JSON.stringify(view)).not.toContain('secret')
})

test('beside it every option with an effect, with its default and whether it can be changed', async () => {
  const config = await loadModel('--seed', '9223372036854775807', '--api-key', 'secret', '--reasoning-rate', '5')
  const text = optionsView(config)
  const { options } = JSON.parse(text) as { options: { name: string }[] }
  const rows = Object.fromEntries(options.map(option => [option.name, option]))
  expect(rows['reasoning-rate']).toEqual({ name: 'reasoning-rate', value: 5, default: 100, live: true })
  expect(rows['time-to-first-token']).toEqual({
    name: 'time-to-first-token',
    value: '0s',
    default: '0s',
    live: true,
  })
  expect(rows['time-scale']).toMatchObject({ value: 1, live: false })
  expect(rows['api-key']).toMatchObject({ value: '***', live: false })
  expect(rows['spec-method']).toBeUndefined()
  expect(text).toContain('"value":9223372036854775807,')
  expect(text).not.toContain('secret')
})

describe('lists', () => {
  test('untouched is null, emptied is []', async () => {
    expect(await viewOf('--lora-modules', '--failure-types')).toMatchObject({ 'lora-modules': [], 'failure-types': [] })
    expect(JSON.parse(configView((await loadYaml('model: m')).config))).toMatchObject({
      'lora-modules': [],
      'failure-types': null,
    })
  })

  test('LoRA modules have all their keys', async () => {
    expect(
      await viewOf('--lora-modules', 'a=p', '{"name":"b"}', '{"name":"c","base_model_name":"m","path":""}'),
    ).toMatchObject({
      'lora-modules': [
        { base_model_name: '', name: 'a', path: 'p' },
        { base_model_name: '', name: 'b', path: '' },
        { base_model_name: 'm', name: 'c', path: '' },
      ],
    })
  })
})

/** What the reference answers for `--fake-metrics {}`. */
const NO_FAKES = {
  'decode-time-buckets-values': null,
  'e2erl-buckets-values': null,
  'inf-time-buckets-values': null,
  loras: [],
  'prefill-time-buckets-values': null,
  'queue-time-buckets-values': null,
  'request-generation-tokens': null,
  'request-max-generation-tokens': null,
  'request-params-max-tokens': null,
  'request-prompt-tokens': null,
  'request-success-total': null,
  'request-tpot-buckets-values': null,
  'tpot-buckets-values': null,
  'ttft-buckets-values': null,
}

test('fake metrics have every list and map, also those not set, in the order of the reference; generators as text', async () => {
  expect(JSON.stringify((await viewOf('--fake-metrics', '{}'))['fake-metrics'])).toBe(JSON.stringify(NO_FAKES))
  const view = await viewOf(
    '--fake-metrics',
    '{"running-requests":"ramp:0:1000000:60s","loras":[{"running":"a","timestamp":1}],"ttft-buckets-values":[1],"kv-cache-usage":0.5}',
  )
  expect(view['fake-metrics']).toEqual({
    ...NO_FAKES,
    'kv-cache-usage': 0.5,
    loras: [{ running: 'a', timestamp: 1, waiting: '' }],
    'running-requests': 'ramp:0:1e+06:1m0s',
    'ttft-buckets-values': [1],
  })
})

describe('ranks', () => {
  test('several in this process: no port, endpoints of the rank', async () => {
    const config = await loadModel('--data-parallel-size', '3', '--kv-events-replay-endpoint', 'tcp://*:5600')
    const view = JSON.parse(configView(configOfRank(config, 2)))
    expect(view).not.toHaveProperty('port')
    expect(view).toMatchObject({
      'data-parallel-size': 3,
      'data-parallel-rank': 2,
      'zmq-endpoint': 'tcp://127.0.0.1:5559',
      'kv-events-replay-endpoint': 'tcp://*:5602',
    })
  })

  test('one of several: the port is shown', async () => {
    expect(await viewOf('--data-parallel-size', '3', '--data-parallel-rank', '2', '--port', '9')).toMatchObject({
      port: 9,
      'data-parallel-rank': 2,
      'zmq-endpoint': 'tcp://127.0.0.1:5559',
    })
  })
})
