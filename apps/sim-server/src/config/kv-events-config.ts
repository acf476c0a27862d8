import type { JsonObject } from '@vllm-sim/config'
import { endpointOfRank } from './endpoints.ts'

/** vLLM's `--kv-events-config`, defaults filled in. */
export interface KvEventsConfig {
  readonly enabled: boolean
  /** `null` publishes nothing. */
  readonly publisher: 'zmq' | 'null'
  /** Bound when it has `*` or `::` or is `ipc:` or `inproc:`, otherwise connected to. */
  readonly endpoint: string
  /** ROUTER address to bind for replays; empty for none. */
  readonly replayEndpoint: string
  /** Batches kept for replays. */
  readonly bufferSteps: number
  /** High-water mark of the PUB socket in messages. */
  readonly hwm: number
  /** Events waiting to be sent beyond which new ones are dropped. */
  readonly maxQueueSize: number
  readonly topic: string
}

/**
 * Reads the object, unknown keys ignored; a data-parallel rank has endpoints of its own.
 * @throws Error that names a key of the wrong type
 */
export function kvEventsConfig(object: JsonObject, rank = 0): KvEventsConfig {
  const read = <T extends string | number | boolean>(key: string, preset: T): T => {
    const value = object[key] ?? preset
    if (typeof value === typeof preset) return value as T
    throw new Error(`kv-events-config: ${key} must be a ${typeof preset}, got ${JSON.stringify(value)}`)
  }
  const enabled = read<boolean>('enable_kv_cache_events', false)
  const publisher = read<string>('publisher', enabled ? 'zmq' : 'null')
  if (publisher !== 'zmq' && publisher !== 'null') {
    throw new Error(`kv-events-config: publisher must be "zmq" or "null", got "${publisher}"`)
  }
  return {
    enabled,
    publisher,
    endpoint: endpointOfRank(read<string>('endpoint', 'tcp://*:5557'), rank),
    replayEndpoint: endpointOfRank(read<string>('replay_endpoint', ''), rank),
    bufferSteps: read<number>('buffer_steps', 10_000),
    hwm: read<number>('hwm', 100_000),
    maxQueueSize: read<number>('max_queue_size', 100_000),
    topic: read<string>('topic', ''),
  }
}
