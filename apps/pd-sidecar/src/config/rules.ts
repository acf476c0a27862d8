import { formatDuration, validator } from '@vllm-sim/config'
import { connectorNames } from '../connectors/names.ts'
import { encodeConnectorNames } from '../encode/names.ts'
import { options } from '../options/table.ts'
import { cipherNames } from './ciphers.ts'
import type { Fields } from './config.ts'

const stages: readonly string[] = ['prefiller', 'decoder', 'encoder']
const tlsVersions = ['VersionTLS12', 'VersionTLS13']
const oldTlsVersions = ['VersionTLS10', 'VersionTLS11']
const poolGroup = 'inference.networking.k8s.io'

type Rule = (fields: Fields) => string | undefined

/** Ranges of the options that have them in the table. */
const ranges = validator<{ byName: Readonly<Record<string, unknown>> }>(options, () => [])

/**
 * The first reason why the program cannot start with these values, in llm-d's words and order.
 * @param portFlag the option that named the decoder's port
 */
export function problemOf(fields: Fields, { portFlag }: { readonly portFlag: string }): string | undefined {
  const rules: readonly Rule[] = [
    ({ modelServerPort: port }) => {
      if (port === '' || /^\d+$/.test(port)) return undefined
      return `failed to parse target URL: parse ${JSON.stringify(`http://localhost:${port}`)}: invalid port ${JSON.stringify(`:${port}`)} after host`
    },
    ...moriio,
    ({ dataParallelSize: size }) =>
      size < 1 ? `--data-parallel-size must be a positive integer, got ${size}` : undefined,
    ({ port, dataParallelSize }) => portProblem('--port', port, dataParallelSize),
    ({ modelServerPort: port, dataParallelSize }) => portProblem(portFlag, port || '8200', dataParallelSize),
    ...connectors,
    ...trust,
  ]
  for (const rule of rules) {
    const problem = rule(fields)
    if (problem !== undefined) return problem
  }
  const byName = Object.fromEntries(
    [...options.rows.keys()].map(name => [name, (fields as unknown as Record<string, unknown>)[camel(name)]]),
  )
  return ranges({ byName })
}

const moriio: readonly Rule[] = [
  f =>
    f.moriioWriteMode && f.moriioLocalPodIp === ''
      ? "--moriio-write-mode requires --moriio-local-pod-ip (or the POD_IP env var) set to decode's routable pod IP"
      : undefined,
  f =>
    f.moriioParallelDispatch && !f.moriioWriteMode
      ? '--moriio-parallel-dispatch requires --moriio-write-mode'
      : undefined,
  f => podsProblem('--moriio-remote-hosts', f.moriioRemoteHosts, f),
  f => podsProblem('--moriio-decode-hosts', f.moriioDecodeHosts, f),
  f =>
    f.moriioWriteMode && f.kvConnector !== 'nixlv2'
      ? `--moriio-write-mode requires --kv-connector=nixlv2 (got "${f.kvConnector}")`
      : undefined,
]

const connectors: readonly Rule[] = [
  ({ kvConnector: name }) => {
    if ((name as string) === 'nixl')
      return '--kv-connector=nixl was the first protocol of NIXL and is gone from vLLM: use nixlv2'
    return connectorNames.includes(name) ? undefined : `--kv-connector must be one of: ${connectorNames.join(', ')}`
  },
  ({ ecConnector: name }) =>
    name === '' || encodeConnectorNames.includes(name)
      ? undefined
      : `--ec-connector must be one of: ${encodeConnectorNames.join(', ')}`,
  ({ enableTls }) => stagesProblem('--enable-tls', enableTls),
  ({ tlsInsecureSkipVerify }) => stagesProblem('--tls-insecure-skip-verify', tlsInsecureSkipVerify),
  ({ inferencePool: pool }) => {
    const parts = pool.split('/')
    if (parts.length > 2) return "--inference-pool must be in format 'namespace/name' or 'name', not multiple slashes"
    return pool !== '' && parts.includes('') ? '--inference-pool cannot have empty namespace or name' : undefined
  },
  f =>
    f.prefillMaxRetries > 0 && f.prefillRetryBackoff <= 0
      ? `--prefill-retry-backoff must be positive when --prefill-max-retries > 0, got ${formatDuration(f.prefillRetryBackoff * 1e6)}`
      : undefined,
  ({ decodeChunkSize: size }) =>
    size < 0
      ? `--decode-chunk-size must be a non-negative integer (0 disables chunked decode), got ${size}`
      : undefined,
  ({ mooncakeBootstrapPort: port }) =>
    isPort(port) ? undefined : `--mooncake-bootstrap-port must be between 1 and 65535, got ${port}`,
  ({ p2pConnectorPort: port }) =>
    isPort(port) ? undefined : `--p2p-connector-port must be between 1 and 65535, got ${port}`,
  ({ p2pConnectorPort: port, dataParallelSize: size }) =>
    port + size - 1 > 65535
      ? `--p2p-connector-port ${port} plus data-parallel rank ${size - 1} exceeds 65535`
      : undefined,
  f =>
    f.enableP2pPull && f.kvConnector !== 'nixlv2'
      ? `--enable-p2p-pull requires --kv-connector=nixlv2 (got "${f.kvConnector}")`
      : undefined,
]

const trust: readonly Rule[] = [
  f =>
    f.enableSsrfProtection && f.inferencePool === '' && f.ssrfAllow.length === 0
      ? '--inference-pool flag or INFERENCE_POOL environment variable is required when --enable-ssrf-protection is true'
      : undefined,
  f =>
    f.enableSsrfProtection && f.inferencePool !== '' && f.poolGroup !== poolGroup
      ? `pool-group must be "${poolGroup}", got "${f.poolGroup}"`
      : undefined,
  ({ tlsMinVersion: version }) => {
    if (tlsVersions.includes(version)) return undefined
    const supported = `supported values: ${tlsVersions.join(', ')}`
    const reason = oldTlsVersions.includes(version)
      ? `tls-min-version "${version}" is below the TLS 1.2 minimum`
      : `unknown TLS version "${version}"`
    return `invalid tls-min-version "${version}": ${reason}; ${supported}`
  },
  ({ tlsCipherSuites: suites }) => {
    const unknown = suites.find(name => !Object.hasOwn(cipherNames, name))
    return unknown === undefined ? undefined : `invalid tls-cipher-suites: unknown cipher suite "${unknown}"`
  },
  ({ metricsPort: port }) =>
    port === 0 || isPort(port) ? undefined : `--metrics-port must be between 0 and 65535, got ${port}`,
  ({ zapLogLevel: level }) =>
    /^(debug|info|error|panic|\d{1,3})$/.test(level)
      ? undefined
      : `--zap-log-level must be debug, info, error, panic or a number, got ${JSON.stringify(level)}`,
]

function isPort(port: number): boolean {
  return port >= 1 && port <= 65535
}

function stagesProblem(flag: string, words: readonly string[]): string | undefined {
  return words.every(word => stages.includes(word)) ? undefined : `${flag} stages must be one of: ${stages.join(', ')}`
}

function portProblem(flag: string, text: string, size: number): string | undefined {
  if (!/^[+-]?\d{1,18}$/.test(text)) return `${flag} must be a valid integer, got ${JSON.stringify(text)}`
  const port = Number(text)
  if (size >= 65535) return `${flag} invalid port range`
  if (!isPort(port)) return `${flag} start port ${port} is out of valid range [1, 65535]`
  return port + size - 1 > 65535
    ? `${flag} port range [${port}, ${port + size - 1}] exceeds maximum port value`
    : undefined
}

function podsProblem(
  flag: string,
  hosts: readonly string[],
  { moriioDpSize: size, moriioDpSizeLocal: local }: Fields,
): string | undefined {
  if (hosts.length <= 1) return undefined
  if (local <= 0) {
    return `${flag} has ${hosts.length} entries but --moriio-dp-size-local is ${local}; Wide-EP multi-pod requires dp-size-local > 0 so vLLM can compute pod_idx = dp_rank / dp_size_local`
  }
  if (size % local !== 0) {
    return `--moriio-dp-size (${size}) must be divisible by --moriio-dp-size-local (${local}) for Wide-EP multi-pod (${flag})`
  }
  if (size / local === hosts.length) return undefined
  return `${flag} has ${hosts.length} entries but dp-size/dp-size-local = ${size / local}; the count of hosts must match the number of pods so the per-rank pod_idx mapping covers every DP rank`
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
