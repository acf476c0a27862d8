import { readdirSync, readFileSync } from 'node:fs'
import { ConfigError } from '@vllm-sim/config'
import { describe, expect, test } from 'vitest'
import { configOfRank } from './config.ts'
import { loadConfig } from './load.ts'
import { errorOf, load, loadModel, loadYaml } from './testing/load.ts'

const manifests = new URL('../../../../manifests/', import.meta.url)
const cfg = readFileSync(new URL('config.yaml', manifests), 'utf8')

describe('precedence', () => {
  test('flags win over the file, lists are replaced whole', async () => {
    const { config } = await loadYaml(cfg, [
      ...['--model', 't', '--port', '8002', '--served-model-name', 'a', 'b', '--event-batch-size', '5'],
      ...['--lora-modules', '{"name":"l3","path":"/3"}', '{"name":"l4","path":"/4"}'],
    ])
    expect(config).toMatchObject({
      model: 't',
      port: 8002,
      servedModelName: ['a', 'b'],
      displayModelName: 'a',
      eventBatchSize: 5,
      loraModules: [
        { name: 'l3', path: '/3' },
        { name: 'l4', path: '/4' },
      ],
      maxLoras: 2,
      maxCpuLoras: 5,
      timeToFirstToken: 2000,
      interTokenLatency: 1000,
      seed: 100100100n,
    })
  })

  test('empty lists on the command line are real values', async () => {
    const emptied = await loadYaml(cfg, ['--served-model-name', '--lora-modules={"name":"l3"}'])
    expect(emptied.config.servedModelName).toEqual(['Qwen/Qwen2-VL-2B-Instruct'])
    expect(emptied.config.loraModules).toEqual([{ name: 'l3' }])
    for (const argv of [['--lora-modules', ''], ['--lora-modules']]) {
      expect((await loadYaml(cfg, argv)).config.loraModules).toEqual([])
    }
  })

  test('the environment stands between flags and file', async () => {
    expect((await loadYaml(cfg, [], { SIM_MODEL: 'e' })).config.model).toBe('e')
    expect((await loadYaml(cfg, ['--model', 't'], { SIM_MODEL: 'e' })).config.model).toBe('t')
    expect((await loadYaml('model: f\nhash-seed: 42', [], { PYTHONHASHSEED: '7' })).config.hashSeed).toBe('7')
    expect((await load(['--model', 'm', '--hash-seed', ''], { PYTHONHASHSEED: '7' })).config.hashSeed).toBe('')
    expect((await loadYaml('model: f', [], { SIM_MODEL: '' })).config.model).toBe('f')
  })

  test('an empty model on the command line is empty', async () => {
    expect(await errorOf(load(['--model', ''], { SIM_MODEL: 'x' }))).toBe('model parameter is empty')
  })

  test('null on the command line cancels the fake metrics of the file', async () => {
    const yaml = 'model: m\nfake-metrics:\n  running-requests: 7'
    expect((await loadYaml(yaml)).config.fakeMetrics).toEqual({ 'running-requests': 7 })
    expect((await loadYaml(yaml, ['--fake-metrics', 'null'])).config.fakeMetrics).toBeUndefined()
    expect((await loadYaml(yaml, ['--fake-metrics', '{}'])).config.fakeMetrics).toEqual({})
  })

  test('a validation error names what the sources together give', async () => {
    expect(await errorOf(loadYaml(cfg, ['--max-loras', '15']))).toBe('max CPU LoRAs cannot be less than max LoRAs')
  })

  test('the file is used whatever follows its name, and only the first one', async () => {
    expect((await loadYaml(cfg, ['-v', '5'])).config).toMatchObject({ port: 8001, v: 5, logLevel: 'trace' })
    const { config, warnings } = await loadYaml(cfg, ['--config', 'other.yaml'])
    expect(config.port).toBe(8001)
    expect(warnings).toEqual(['--config was given before; other.yaml is ignored'])
  })
})

describe('what consumers see', () => {
  test('durations are milliseconds with their fraction', async () => {
    const config = await loadModel(
      ...['--time-to-first-token', '1.5ms', '--inter-token-latency', '250us', '--prefill-time-per-token', '1ns'],
      ...['--render-timeout', '1m', '--kv-cache-transfer-latency', '40'],
    )
    expect(config).toMatchObject({
      timeToFirstToken: 1.5,
      interTokenLatency: 0.25,
      prefillTimePerToken: 1e-6,
      renderTimeout: 60_000,
      kvCacheTransferLatency: 40,
      mmRenderTimeout: 60_000,
      shutdownTimeout: 30_000,
      fakeMetricsRefreshInterval: 100,
    })
    expect(config.latency).toEqual({
      calculator: '',
      timeToFirstToken: 1.5,
      timeToFirstTokenDeviation: 0,
      interTokenLatency: 0.25,
      interTokenLatencyDeviation: 0,
      kvTransferLatency: 40,
      kvTransferLatencyDeviation: 0,
      prefillOverhead: 0,
      prefillTimePerToken: 1e-6,
      prefillTimeDeviation: 0,
      kvTransferTimePerToken: 0,
      kvTransferTimeDeviation: 0,
      timeFactorUnderLoad: 1,
      maxNumSeqs: 5,
    })
  })

  test('defaults are those of the reference', async () => {
    expect(await loadModel()).toMatchObject({
      port: 8000,
      servedModelName: ['m'],
      displayModelName: 'm',
      maxModelLen: 1024,
      maxNumSeqs: 5,
      maxWaitingQueueLength: 1000,
      maxLoras: 1,
      maxCpuLoras: 1,
      mode: 'random',
      blockSize: 16,
      kvCacheSize: 1024,
      zmqEndpoint: 'tcp://127.0.0.1:5557',
      logLevel: 'info',
      rank: 0,
      ranksInProcess: 1,
      warmUp: true,
      timeScale: 1,
      apiKey: [],
      fakeMetrics: undefined,
      kvEventsConfig: undefined,
    })
  })

  test('a seed is exact; without one each start has its own', async () => {
    expect((await loadModel('--seed', '9223372036854775807')).seed).toBe(9223372036854775807n)
    expect((await loadYaml('model: m\nseed: 9007199254740993')).config.seed).toBe(9007199254740993n)
    expect((await loadModel()).seed).not.toBe((await loadModel()).seed)
  })

  test('variables of the environment', async () => {
    const { config } = await load(['--model', 'm'], {
      POD_IP: '10.0.0.1',
      POD_NAME: 'pod',
      POD_NAMESPACE: 'ns',
      VLLM_SERVER_DEV_MODE: '1',
      VLLM_ALLOW_RUNTIME_LORA_UPDATING: 'True',
      VLLM_API_KEY: 'secret',
      VLLM_LOG_STATS_INTERVAL: '4',
      HF_TOKEN: 'hf_x',
      HF_HOME: '/hf',
      HF_ENDPOINT: 'http://mirror',
      HF_HUB_OFFLINE: '1',
    })
    expect(config).toMatchObject({
      podIp: '10.0.0.1',
      podName: 'pod',
      podNamespace: 'ns',
      devMode: true,
      runtimeLoraUpdating: true,
      skipModelNameValidation: false,
      apiKey: ['secret'],
      logStatsIntervalSeconds: 4,
      hfToken: 'hf_x',
      hfHome: '/hf',
      hfEndpoint: 'http://mirror',
      hfHubOffline: true,
    })
    expect((await load(['--model', 'm'], { VLLM_SERVER_DEV_MODE: 'true' })).config.devMode).toBe(false)
    expect((await load(['--model', 'm', '--api-key', 'a', 'b'], { VLLM_API_KEY: 'c' })).config.apiKey).toEqual([
      'a',
      'b',
    ])
    expect(await errorOf(load(['--model', 'm'], { VLLM_LOG_STATS_INTERVAL: 'x' }))).toBe(
      'invalid value "x" of environment variable VLLM_LOG_STATS_INTERVAL: expected a number',
    )
  })

  test.each([
    [['-v', '0'], 'error'],
    [['-v1'], 'warn'],
    [['--v=3'], 'info'],
    [['--v=4'], 'debug'],
    [['--v=9'], 'trace'],
    [['--v=9', '--log-level', 'warn'], 'warn'],
  ])('log level of %j', async (argv, level) => {
    expect((await loadModel(...argv)).logLevel).toBe(level)
  })

  test('the log level of vLLM’s environment', async () => {
    expect((await load(['--model', 'm'], { VLLM_LOGGING_LEVEL: 'WARNING' })).config.logLevel).toBe('warn')
    expect((await load(['--model', 'm', '--log-level', 'Debug'])).config.logLevel).toBe('debug')
    expect((await loadYaml('model: m\nlog-level: ERROR')).config.logLevel).toBe('error')
  })

  test.each([
    ['slow', 'auto'],
    ['mistral', 'auto'],
    ['simulated', 'simulated'],
    ['hf', 'hf'],
  ])('tokenizer mode %s is %s', async (word, mode) => {
    expect((await loadModel('--tokenizer-mode', word)).tokenizerMode).toBe(mode)
  })

  test('settings of KV events as vLLM has them', async () => {
    expect((await loadModel('--kv-events-config.enable_kv_cache_events', 'true')).kvEventsConfig).toEqual({
      enabled: true,
      publisher: 'zmq',
      endpoint: 'tcp://*:5557',
      replayEndpoint: '',
      bufferSteps: 10_000,
      hwm: 100_000,
      maxQueueSize: 100_000,
      topic: '',
    })
    const off = await loadModel('--kv-events-config', '{"endpoint":"tcp://h:1","topic":"t","replay_endpoint":null}')
    expect(off.kvEventsConfig).toMatchObject({ enabled: false, publisher: 'null', endpoint: 'tcp://h:1', topic: 't' })
  })

  test('options that were given are known, whatever their source', async () => {
    const { config } = await loadYaml('model: m\nrender-url: http://r', ['--port', '1'], { PYTHONHASHSEED: '7' })
    expect([...config.given].sort()).toEqual(['config', 'hash-seed', 'model', 'port', 'render-url'])
  })

  test('the whole is plain data, fit for a worker thread', async () => {
    const { config } = await loadYaml(cfg, ['--fake-metrics', '{"running-requests":"ramp:0:1:1m"}'])
    expect(structuredClone(config)).toEqual(config)
  })
})

describe('ranks', () => {
  const endpoints = ['--zmq-endpoint', 'tcp://*:5557', '--kv-events-replay-endpoint', 'tcp://*:5600']

  test('hosted here: each has its port and endpoints', async () => {
    const config = await loadModel('--data-parallel-size', '3', '--kv-events-config', '{}', ...endpoints)
    expect(config).toMatchObject({ port: 8000, rank: 0, ranksInProcess: 3, dataParallelRank: -1 })
    expect(configOfRank(config, 2)).toMatchObject({
      port: 8002,
      rank: 2,
      ranksInProcess: 3,
      zmqEndpoint: 'tcp://*:5559',
      kvEventsReplayEndpoint: 'tcp://*:5602',
      kvEventsConfig: { endpoint: 'tcp://*:5559' },
    })
  })

  test('one of several: the port stays, the endpoints are its own', async () => {
    expect(await loadModel('--data-parallel-size', '3', '--data-parallel-rank', '2', ...endpoints)).toMatchObject({
      port: 8000,
      rank: 2,
      ranksInProcess: 1,
      zmqEndpoint: 'tcp://*:5559',
      kvEventsReplayEndpoint: 'tcp://*:5602',
    })
  })

  test('endpoints without a port are the same for all', async () => {
    const config = await loadModel('--data-parallel-rank', '2', '--zmq-endpoint', 'ipc:///tmp/e')
    expect(config.zmqEndpoint).toBe('ipc:///tmp/e')
  })
})

describe('reports', () => {
  test('options without effect', async () => {
    const { config, noEffect, warnings } = await load([
      ...['--model', 'm', '--tensor-parallel-size', '2', '--enforce-eager'],
      ...['--load-format', 'dummy', '--port', '8001', '--log_dir', '/tmp'],
    ])
    expect(noEffect).toEqual(['tensor-parallel-size', 'enforce-eager', 'load-format', 'log-dir'])
    expect(warnings).toEqual([])
    expect(config).toMatchObject({ tensorParallelSize: 2, enforceEager: true, enablePrefixCaching: false })
  })

  test('echo mode without text to echo', async () => {
    const { warnings } = await load(['--model', 'm', '--mm-encoder-only', '--mode', 'echo'])
    expect(warnings).toEqual(['MM encoder-only mode: ignoring echo mode'])
  })

  test('help and version need no model', async () => {
    const { help } = await loadConfig(['--help'], {}, String)
    expect(help).toMatch(/^Usage of vllm-sim flags:\n/)
    expect(await loadConfig(['--version'], {}, String)).toEqual({ version: true })
  })

  test('an error says what to do where the text does not', async () => {
    const error = await load([]).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).hint).toContain('--model NAME')
  })
})

describe('example files', () => {
  const examples = [
    ...readdirSync(manifests).filter(name => name.startsWith('config') || name === 'basic-config.yaml'),
    ...readdirSync(new URL('latency-profiles/', manifests)).map(name => `latency-profiles/${name}`),
  ]

  test('are complete', () => {
    expect(examples).toHaveLength(10)
  })

  test.each(examples)('%s loads without a remark', async name => {
    const { config, warnings, noEffect } = await loadYaml(readFileSync(new URL(name, manifests), 'utf8'))
    expect(warnings).toEqual([])
    expect(noEffect).toEqual([])
    expect(config.mode).toBe('random')
  })

  test('a latency profile gives exact times', async () => {
    const yaml = readFileSync(new URL('latency-profiles/8b-h100-balanced-per-token.yaml', manifests), 'utf8')
    expect((await loadYaml(yaml)).config.latency).toMatchObject({
      calculator: 'per-token',
      interTokenLatency: 12,
      interTokenLatencyDeviation: 2,
      prefillOverhead: 30,
      prefillTimePerToken: 0.25,
      kvTransferTimePerToken: 0.003,
      kvTransferTimeDeviation: 0.2,
      timeFactorUnderLoad: 2,
      maxNumSeqs: 16,
    })
  })
})
