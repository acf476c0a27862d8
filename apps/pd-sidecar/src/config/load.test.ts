import { ConfigError } from '@vllm-sim/config'
import { describe, expect, test } from 'vitest'
import { type Loaded, loadConfig } from './load.ts'

async function load(
  argv: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): Promise<Loaded> {
  const loaded = await loadConfig(argv, env, path => {
    if (files[path] === undefined) throw Object.assign(new Error('x'), { code: 'ENOENT' })
    return files[path]
  })
  if (!('config' in loaded)) throw new Error('no configuration')
  return loaded
}

const problem = async (...argv: string[]): Promise<string | undefined> => (await load(argv)).problem
const yaml = (text: string) => load(['--configuration', text])

test('defaults', async () => {
  const { config, warnings, problem } = await load([])
  expect([warnings, problem]).toEqual([[], undefined])
  expect(config).toMatchObject({
    port: 8000,
    modelServerPort: 8200,
    dataParallelSize: 1,
    kvConnector: 'nixlv2',
    ecConnector: '',
    secureServing: true,
    prefillMaxRetries: 0,
    prefillRetryBackoff: 200,
    maxIdleConnsPerHost: 1024,
    mooncakeBootstrapPort: 8998,
    p2pConnectorPort: 7777,
    shutdownTimeout: 60_000,
    logLevel: 'info',
  })
})

describe('what cannot be, in llm-d’s words', () => {
  test.each([
    [
      ['--configuration={}', '--configuration-file=f'],
      'flags --configuration and --configuration-file are mutually exclusive',
    ],
    [['--configuration-file=f'], 'failed to read sidecar configuration from file: open f: no such file or directory'],
    [['--configuration={a: 1}'], 'failed to unmarshal sidecar configuration: line 1: unknown field "a"'],
    [
      ['--configuration={connector: nixlv2}'],
      'failed to unmarshal sidecar configuration: line 1: unknown field "connector"',
    ],
    [
      ['--model-server-port=abc'],
      'failed to parse target URL: parse "http://localhost:abc": invalid port ":abc" after host',
    ],
    [
      ['--moriio-write-mode'],
      "--moriio-write-mode requires --moriio-local-pod-ip (or the POD_IP env var) set to decode's routable pod IP",
    ],
    [['--moriio-parallel-dispatch'], '--moriio-parallel-dispatch requires --moriio-write-mode'],
    [
      ['--moriio-remote-hosts=a,b'],
      '--moriio-remote-hosts has 2 entries but --moriio-dp-size-local is 0; Wide-EP multi-pod requires dp-size-local > 0 so vLLM can compute pod_idx = dp_rank / dp_size_local',
    ],
    [
      ['--moriio-decode-hosts=a,b', '--moriio-dp-size-local=3', '--moriio-dp-size=16'],
      '--moriio-dp-size (16) must be divisible by --moriio-dp-size-local (3) for Wide-EP multi-pod (--moriio-decode-hosts)',
    ],
    [
      ['--moriio-decode-hosts=a,b', '--moriio-dp-size-local=4', '--moriio-dp-size=16'],
      '--moriio-decode-hosts has 2 entries but dp-size/dp-size-local = 4; the count of hosts must match the number of pods so the per-rank pod_idx mapping covers every DP rank',
    ],
    [['--data-parallel-size=0'], '--data-parallel-size must be a positive integer, got 0'],
    [['--port=abc'], '--port must be a valid integer, got "abc"'],
    [['--port=0'], '--port start port 0 is out of valid range [1, 65535]'],
    [['--port=65535', '--data-parallel-size=2'], '--port port range [65535, 65536] exceeds maximum port value'],
    [['--data-parallel-size=65535'], '--port invalid port range'],
    [['--model-server-port=0'], '--model-server-port start port 0 is out of valid range [1, 65535]'],
    [['--vllm-port=70000'], '--vllm-port start port 70000 is out of valid range [1, 65535]'],
    [['--kv-connector=x'], '--kv-connector must be one of: nixlv2, shared-storage, sglang, mooncake, offloading, none'],
    [['--kv-connector=nixl'], '--kv-connector=nixl was the first protocol of NIXL and is gone from vLLM: use nixlv2'],
    [['--ec-connector=x'], '--ec-connector must be one of: ec-example, ec-nixl'],
    [['--enable-tls=x'], '--enable-tls stages must be one of: prefiller, decoder, encoder'],
    [
      ['--tls-insecure-skip-verify=decoder,x'],
      '--tls-insecure-skip-verify stages must be one of: prefiller, decoder, encoder',
    ],
    [['--inference-pool=a/b/c'], "--inference-pool must be in format 'namespace/name' or 'name', not multiple slashes"],
    [['--inference-pool=a/'], '--inference-pool cannot have empty namespace or name'],
    [
      ['--prefill-max-retries=1', '--prefill-retry-backoff=0s'],
      '--prefill-retry-backoff must be positive when --prefill-max-retries > 0, got 0s',
    ],
    [
      ['--decode-chunk-size=-1'],
      '--decode-chunk-size must be a non-negative integer (0 disables chunked decode), got -1',
    ],
    [['--mooncake-bootstrap-port=0'], '--mooncake-bootstrap-port must be between 1 and 65535, got 0'],
    [['--p2p-connector-port=65536'], '--p2p-connector-port must be between 1 and 65535, got 65536'],
    [
      ['--p2p-connector-port=65535', '--data-parallel-size=2'],
      '--p2p-connector-port 65535 plus data-parallel rank 1 exceeds 65535',
    ],
    [['--enable-p2p-pull', '--kv-connector=sglang'], '--enable-p2p-pull requires --kv-connector=nixlv2 (got "sglang")'],
    [
      ['--enable-ssrf-protection'],
      '--inference-pool flag or INFERENCE_POOL environment variable is required when --enable-ssrf-protection is true',
    ],
    [
      ['--enable-ssrf-protection', '--inference-pool=a', '--pool-group=x'],
      'pool-group must be "inference.networking.k8s.io", got "x"',
    ],
    [
      ['--tls-min-version=x'],
      'invalid tls-min-version "x": unknown TLS version "x"; supported values: VersionTLS12, VersionTLS13',
    ],
    [
      ['--tls-min-version=VersionTLS11'],
      'invalid tls-min-version "VersionTLS11": tls-min-version "VersionTLS11" is below the TLS 1.2 minimum; supported values: VersionTLS12, VersionTLS13',
    ],
    [['--tls-cipher-suites=RC4'], 'invalid tls-cipher-suites: unknown cipher suite "RC4"'],
    [['--max-body-bytes=-1'], 'max-body-bytes must be at least 0, got -1'],
    [['--fallback=maybe'], 'fallback must be one of "none", "decode-only", got "maybe"'],
  ])('%j', async (argv, message) => {
    expect(await problem(...argv)).toBe(message)
  })

  test.each([['--nonsense'], ['--data-parallel-size=abc'], ['--port']])('%s is no command line', async argv => {
    await expect(load([argv])).rejects.toThrow(ConfigError)
  })

  test('a pool by name', async () => {
    expect(await problem('--inference-pool=ns/pool')).toBeUndefined()
    expect(await problem('--inference-pool=pool')).toBeUndefined()
  })
})

describe('sources', () => {
  test('flags win over YAML, that over the environment', async () => {
    const env = { INFERENCE_POOL: 'env', MOONCAKE_BOOTSTRAP_PORT: '1', P2P_CONNECTOR_PORT: '2' }
    const text = '{inference-pool: file, mooncake-bootstrap-port: 3}'
    const { config } = await load(['--inference-pool=flag', '--configuration', text], env)
    expect([config.inferencePool, config.mooncakeBootstrapPort, config.p2pConnectorPort]).toEqual(['flag', 3, 2])
  })

  test('a file, lists in it and on the command line', async () => {
    const file =
      'port: 8085\nmodel-server-port: 8203\nenable-tls: [prefiller]\nprefill-retry-backoff: 1s\nsecure-proxy: false\n'
    const { config } = await load(['--configuration-file=f'], {}, { f: file })
    expect(config).toMatchObject({
      port: 8085,
      modelServerPort: 8203,
      enableTls: ['prefiller'],
      prefillRetryBackoff: 1000,
      secureServing: false,
    })
    const flags = await load(['--enable-tls=prefiller,decoder', '--enable-tls', 'encoder'])
    expect(flags.config.enableTls).toEqual(['prefiller', 'decoder', 'encoder'])
  })

  test('zero and empty in YAML say nothing; a bad backoff is a warning', async () => {
    const { config, problem } = await load(['--configuration', '{decode-chunk-size: 0, prefill-max-retries: 0}'])
    expect([config.decodeChunkSize, problem]).toEqual([0, undefined])
    const bad = await yaml('prefill-retry-backoff: soon')
    expect([bad.problem, bad.config.prefillRetryBackoff]).toEqual([undefined, 200])
    expect(bad.warnings[0]).toContain('ignoring invalid prefill-retry-backoff value "soon"')
  })

  test.each(['{port: 1, port: 2}', '{port: [1]}', '{data-parallel-size: x}', '[', 'moriio-write-mode: true'])(
    '%s is no configuration',
    async text => {
      expect((await yaml(text)).problem).toMatch(/^failed to unmarshal sidecar configuration: /)
    },
  )

  test('bad values of variables do not count', async () => {
    const env = { ENABLE_PREFILLER_SAMPLING: 'maybe', SGLANG_BOOTSTRAP_PORT: 'x', MOONCAKE_BOOTSTRAP_PORT: '99999' }
    const { config, warnings, problem } = await load([], env)
    expect([config.enablePrefillerSampling, config.sglangBootstrapPort, warnings.length]).toEqual([false, 8998, 2])
    expect(problem).toBe('--mooncake-bootstrap-port must be between 1 and 65535, got 99999')
  })
})

describe('old names', () => {
  test('work, and name the new ones', async () => {
    const argv = [
      '--v=4',
      '-port=8001',
      '--vllm-port=8300',
      '--connector=lmcache',
      '--secure-proxy=false',
      '--prefiller-use-tls',
    ]
    const { config, warnings } = await load(argv)
    expect(config).toMatchObject({
      port: 8001,
      modelServerPort: 8300,
      kvConnector: 'shared-storage',
      secureServing: false,
      enableTls: ['prefiller'],
      logLevel: 'debug',
    })
    expect(warnings).toEqual([
      '--secure-proxy is deprecated: use --secure-serving',
      '--vllm-port is deprecated: use --model-server-port',
      '--connector is deprecated: use --kv-connector',
      '--v is deprecated: use --zap-log-level',
      '--prefiller-use-tls is deprecated: use --enable-tls=prefiller',
      '--kv-connector=lmcache is deprecated: use shared-storage',
    ])
  })

  test('the new one wins; an old flag wins over the new key of YAML', async () => {
    expect((await load(['--vllm-port=1', '--model-server-port=2'])).config.modelServerPort).toBe(2)
    expect((await load(['--vllm-port=1', '--configuration={model-server-port: 2}'])).config.modelServerPort).toBe(1)
    expect((await yaml('{secure-proxy: true, secure-serving: false}')).config.secureServing).toBe(false)
    const pool = await load(['--inference-pool-namespace=ns', '--inference-pool-name=p'])
    expect(pool.config.inferencePool).toBe('ns/p')
  })
})
