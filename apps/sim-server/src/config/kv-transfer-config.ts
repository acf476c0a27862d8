import type { JsonObject } from '@vllm-sim/config'
import { isObject } from '@vllm-sim/config'

/** What vLLM's `--kv-transfer-config` and its environment say about a NIXL connector. */
export interface NixlConfig {
  readonly producer: boolean
  readonly consumer: boolean
  /** Empty: a fresh one is made. */
  readonly engineId: string
  readonly failurePolicy: 'fail' | 'recompute'
  /** How long blocks are held, milliseconds. */
  readonly leaseDuration: number
  /** Where the side channel listens, and what answers name. */
  readonly bindHost: string
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

/** What the environment says about it. */
export interface NixlEnvironment {
  readonly nixlHost: string
  readonly nixlPort: number
  readonly podIp: string
}

const roles = ['kv_producer', 'kv_consumer', 'kv_both']
const policies = ['fail', 'recompute']
/** vLLM's `kv_lease_duration`, seconds. */
const defaultLease = 30
const wildcards = new Set(['0.0.0.0', '::'])

/** Of several connectors the one that moves KV blocks between instances: the first. */
export function connectorOf(config: JsonObject): JsonObject {
  if (config['kv_connector'] !== 'MultiConnector') return config
  const { connectors } = object(config['kv_connector_extra_config'])
  return Array.isArray(connectors) ? object(connectors[0]) : config
}

/**
 * Reads the object, unknown keys ignored; a data-parallel rank has an engine and a port of its own.
 * @returns undefined for connectors that are only accepted
 * @throws Error that names a key with a bad value
 */
export function nixlConfig(
  config: JsonObject,
  environment: NixlEnvironment,
  rank = 0,
  ranks = 1,
): NixlConfig | undefined {
  const connector = connectorOf(config)
  if (!/^Nixl\w*Connector$/.test(String(connector['kv_connector']))) return undefined
  const read = (key: string): unknown => connector[key] ?? config[key]
  const role = oneOf('kv_role', read('kv_role'), roles)
  const failurePolicy = oneOf('kv_load_failure_policy', read('kv_load_failure_policy') ?? 'fail', policies)
  const engineId = textOf('engine_id', read('engine_id') ?? '')
  const lease = object(read('kv_connector_extra_config'))['kv_lease_duration'] ?? defaultLease
  if (typeof lease !== 'number' || !(lease > 0 && lease <= 86_400)) {
    throw bad('kv_lease_duration', 'a number of seconds up to a day', lease)
  }
  const port = read('kv_port') ?? environment.nixlPort
  if (!Number.isInteger(port) || (port as number) < 0 || (port as number) + rank > 65_535) {
    throw bad('kv_port', `a port, 0 for any free one${ranks > 1 ? ', with room for each rank' : ''}`, port)
  }
  const bindHost = textOf('kv_ip', read('kv_ip') ?? '') || environment.nixlHost || environment.podIp || 'localhost'
  return {
    producer: role !== 'kv_consumer',
    consumer: role !== 'kv_producer',
    engineId: engineId !== '' && ranks > 1 ? `${engineId}_dp${rank}` : engineId,
    failurePolicy: failurePolicy === 'fail' ? 'fail' : 'recompute',
    leaseDuration: lease * 1000,
    bindHost,
    host: wildcards.has(bindHost) ? environment.podIp || 'localhost' : bindHost,
    port: port === 0 ? 0 : (port as number) + rank,
  }
}

function oneOf(key: string, value: unknown, values: readonly string[]): string {
  if (typeof value === 'string' && values.includes(value)) return value
  throw bad(key, values.join(', ').replace(/, (?=\w+$)/, ' or '), value)
}

function textOf(key: string, value: unknown): string {
  // The longest id that goes over a side channel, without a rank.
  if (typeof value === 'string' && value.length <= 500) return value
  throw bad(key, 'a text of at most 500 characters', value)
}

function bad(key: string, expected: string, value: unknown): Error {
  return new Error(`kv-transfer-config: ${key} must be ${expected}, got ${JSON.stringify(value) ?? 'nothing'}`)
}

function object(value: unknown): JsonObject {
  return isObject(value) ? (value as JsonObject) : {}
}
