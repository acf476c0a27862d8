import type { Timeline } from '@vllm-sim/core-engine'
import type { NixlConnector, TransferCounter } from '@vllm-sim/kv-transfer'
import { freshBytes } from '@vllm-sim/latency'
import { type Logger, StartError } from '@vllm-sim/service'
import type { Config, NixlConfig } from '../config/index.ts'

/** Makes the connector of an instance. */
export type ConnectorFactory = (timeline: Timeline, socketTimeline: Timeline, counter: TransferCounter) => NixlConnector

/** What makes the connector that a configuration asks for; undefined when it asks for none, and then nothing is loaded. */
export async function connectorFactory({ nixl }: Config, log: Logger): Promise<ConnectorFactory | undefined> {
  if (!nixl) return undefined
  const { NixlConnector } = await import('@vllm-sim/kv-transfer')
  return (timeline, socketTimeline, counter) =>
    new NixlConnector({ ...nixl, engineId: nixl.engineId || freshId(), timeline, socketTimeline, log, counter })
}

/** Opens the side channel. @throws StartError when it cannot listen there */
export async function openSideChannel(connector: NixlConnector, { bindHost, port }: NixlConfig): Promise<void> {
  try {
    await connector.open(bindHost, port)
  } catch (error) {
    throw new StartError(
      `cannot open the side channel for KV blocks on ${bindHost}:${port}: ${(error as Error).message}. ` +
        'Choose others with VLLM_NIXL_SIDE_CHANNEL_HOST and VLLM_NIXL_SIDE_CHANNEL_PORT.',
    )
  }
}

/** 32 hexadecimal digits in the groups of a UUID. */
function freshId(): string {
  return Buffer.from(freshBytes(16))
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
