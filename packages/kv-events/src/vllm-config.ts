import type { KvEventPublisherOptions } from './publisher.ts'

/** The value of vLLM's `--kv-events-config`, parsed. */
export interface KvEventsConfig {
  readonly enable_kv_cache_events?: boolean
  /** `null` (or the JSON null) means that events are made and dropped. Default `zmq`. */
  readonly publisher?: string | null
  readonly endpoint?: string
  readonly replay_endpoint?: string | null
  readonly buffer_steps?: number
  readonly hwm?: number
  readonly max_queue_size?: number
  readonly topic?: string
}

const types: Record<keyof KvEventsConfig, 'boolean' | 'number' | 'string' | 'string or null'> = {
  enable_kv_cache_events: 'boolean',
  publisher: 'string or null',
  endpoint: 'string',
  replay_endpoint: 'string or null',
  buffer_steps: 'number',
  hwm: 'number',
  max_queue_size: 'number',
  topic: 'string',
}

/**
 * A publisher's options from vLLM's `--kv-events-config`, with vLLM's defaults: each step's events leave at once as one
 * message, 10,000 messages are kept for replay, counting begins at 0. Undefined when events are off or go nowhere.
 *
 * @throws Error for keys and values that vLLM does not know
 */
export function vllmPublisherOptions(config: KvEventsConfig): KvEventPublisherOptions | undefined {
  for (const [key, value] of Object.entries(config)) {
    const type = types[key as keyof KvEventsConfig]
    if (!type) throw new Error(`kv-events-config has no key ${key}; it knows ${Object.keys(types).join(', ')}`)
    if (!(type === 'string or null' ? value === null || typeof value === 'string' : typeof value === type))
      throw new Error(`${key} in kv-events-config must be a ${type}, got ${JSON.stringify(value)}`)
    if (type === 'number' && !(Number.isInteger(value) && (value as number) >= 0))
      throw new Error(`${key} in kv-events-config must be a whole number, 0 or more, got ${value}`)
  }
  const { publisher = 'zmq' } = config
  if (publisher !== null && publisher !== 'zmq' && publisher !== 'null')
    throw new Error(`publisher in kv-events-config must be "zmq" or "null", got ${JSON.stringify(publisher)}`)
  if (!config.enable_kv_cache_events || publisher !== 'zmq') return undefined
  const replay = (config.buffer_steps ?? 1) > 0 ? config.replay_endpoint : undefined
  return {
    endpoint: config.endpoint ?? 'tcp://*:5557',
    topic: config.topic ?? '',
    firstSequence: 0,
    batchSize: Number.POSITIVE_INFINITY,
    batchDelay: 0,
    maxPending: config.max_queue_size || 100_000,
    highWaterMark: config.hwm ?? 100_000,
    replayBatches: config.buffer_steps || 10_000,
    ...(replay ? { replayEndpoint: replay } : {}),
  }
}
