import type { GenerationRequest, KvTransferParams, Outcome } from '@vllm-sim/core-engine'
import type { ServingContext } from './context.ts'

/** What a prefilling instance tells the decoding one when no blocks are handed over. */
const constants: KvTransferParams = {
  do_remote_decode: false,
  do_remote_prefill: true,
  remote_engine_id: 'DUMMY_ID',
  remote_block_ids: ['DUMMY_ID'],
  remote_host: 'DUMMY',
  remote_port: 1234,
  tp_size: 1,
}

/** `kv_transfer_params` of an answer; undefined when it has none. @param outcome of the first choice */
export function kvTransferParams(
  { kvTransfer }: Pick<GenerationRequest, 'kvTransfer'>,
  outcome: Outcome,
  { kvTransfers }: Pick<ServingContext, 'kvTransfers'>,
): KvTransferParams | undefined {
  if (!kvTransfer?.doRemoteDecode) return undefined
  return kvTransfers ? outcome.kvTransferParams : constants
}
