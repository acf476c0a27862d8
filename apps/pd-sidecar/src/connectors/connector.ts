import type { JsonBytes } from '@vllm-sim/json-edit'
import type { PrefillCall } from '../proxy/call.ts'
import type { Sidecar } from '../proxy/context.ts'

/** How a prefiller hands its KV cache to the decoder: one file and one row of the registry for each. */
export interface Connector {
  readonly name: string
  /** Decoders of this connector can pull a prefix from a peer that has it. */
  readonly pulls: boolean
  /**
   * Serves a request that names a prefiller, up to the end of its answer.
   * @throws Failure, ForeignAnswer or LegError when nothing has been sent yet
   */
  serve(call: PrefillCall): Promise<void>
}

/** Makes a connector for a process. */
export type ConnectorFactory = (
  sidecar: Pick<Sidecar, 'config' | 'clock' | 'random' | 'entropy' | 'legs' | 'log' | 'peers'>,
) => Connector

/** A value as a member's text. */
export function json(value: unknown): JsonBytes {
  return JSON.stringify(value)
}
