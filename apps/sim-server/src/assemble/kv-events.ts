import type { Timeline } from '@vllm-sim/core-engine'
import type { KvEventPublisher } from '@vllm-sim/kv-events'
import { type Logger, StartError } from '@vllm-sim/service'
import type { Config } from '../config/index.ts'
import { hasCache } from './cache.ts'

/**
 * Opens the KV event publisher that a configuration asks for: vLLM's `kv-events-config` when there is one, otherwise the
 * reference's options.
 * @param port the port that serves HTTP, part of the topic
 * @returns undefined when no events are to be published
 * @throws StartError when the endpoint cannot be used
 */
export async function openKvEvents(
  config: Config,
  port: number,
  timeline: Timeline,
  log: Logger,
): Promise<KvEventPublisher | undefined> {
  const { kvEventsConfig: vllm } = config
  const wanted = vllm ? vllm.enabled && vllm.publisher === 'zmq' : config.enableKvcache && config.zmqEndpoint !== ''
  if (!wanted || !hasCache(config)) return undefined
  const { KvEventPublisher, kvTopic, vllmPublisherOptions } = await import('@vllm-sim/kv-events')
  const fromVllm =
    vllm &&
    vllmPublisherOptions({
      enable_kv_cache_events: vllm.enabled,
      publisher: vllm.publisher,
      endpoint: vllm.endpoint,
      replay_endpoint: vllm.replayEndpoint || null,
      buffer_steps: vllm.bufferSteps,
      hwm: vllm.hwm,
      max_queue_size: vllm.maxQueueSize,
      topic: vllm.topic,
    })
  const publisher = new KvEventPublisher({
    ...(fromVllm ?? {
      endpoint: config.zmqEndpoint,
      topic: kvTopic(config.podIp, port, config.model),
      batchSize: config.eventBatchSize,
      replayEndpoint: config.kvEventsReplayEndpoint || undefined,
      replayBatches: config.kvEventsReplayQueueSize,
    }),
    format: config.useVllmMapEventFormat ? 'map' : 'array',
    rank: config.rank,
    timeline,
    onProblem: message => log.warn(message),
  })
  try {
    await publisher.start()
  } catch (error) {
    throw new StartError((error as Error).message)
  }
  log.info({ endpoint: publisher.endpoint, replay: publisher.replayEndpoint ?? 'off' }, 'publishing KV events')
  return publisher
}
