import type { KvTransferParams } from '@vllm-sim/core-engine'
import type { Peer } from './side-channel/client.ts'
import { isId } from './side-channel/messages.ts'

/** Where the blocks of a prompt are. */
export interface RemoteBlocks {
  readonly peer: Peer
  readonly engineId: string
  readonly requestId: string
  /** Blocks that are named. */
  readonly count: number
}

/** Longest name of a host, characters (RFC 1035, 2.3.4). */
const longestHost = 253

/** Reads what a prefilling instance has answered. @returns undefined when it cannot be used */
export function readParams(params: KvTransferParams | undefined): RemoteBlocks | undefined {
  if (!params) return undefined
  const { remote_engine_id: engineId, remote_request_id: requestId, remote_host: host, remote_port: port } = params
  if (!isId(engineId) || !isId(requestId)) return undefined
  if (typeof host !== 'string' || host === '' || host.length > longestHost) return undefined
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) return undefined
  return { peer: { host, port: port as number }, engineId, requestId, count: countBlocks(params['remote_block_ids']) }
}

/** Block ids are a list for each KV group, in older versions one flat list. All groups have the same number of blocks. */
function countBlocks(ids: unknown): number {
  if (!Array.isArray(ids)) return 0
  const [first] = ids
  return Array.isArray(first) ? first.length : ids.length
}

/** Answer of a prefilling instance, in the order of vLLM's members. */
export function writeParams(answer: {
  readonly engineId: string
  readonly requestId: string
  readonly host: string
  readonly port: number
  readonly blockIds: ArrayLike<number>
  readonly tokens: number
  readonly cachedTokens: number
}): KvTransferParams {
  return {
    do_remote_prefill: true,
    do_remote_decode: false,
    remote_block_ids: [Array.from(answer.blockIds)],
    remote_engine_id: answer.engineId,
    remote_request_id: answer.requestId,
    remote_host: answer.host,
    remote_port: answer.port,
    tp_size: 1,
    dcp_size: 1,
    pp_size: 1,
    remote_num_tokens: answer.tokens,
    remote_blocks_expiry_time: null,
    remote_registration_generation: 0,
    transfer_mode: 'pull',
    remote_prefill_cached_tokens: answer.cachedTokens,
  }
}
