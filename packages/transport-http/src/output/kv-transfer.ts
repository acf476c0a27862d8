import type { GenerationRequest } from '@vllm-sim/core-engine'

/** What a prefilling instance tells the decoding one. There is no real cache to fetch, so the values are constants. */
const answer =
  ',"kv_transfer_params":{"do_remote_decode":false,"do_remote_prefill":true,"remote_engine_id":"DUMMY_ID",' +
  '"remote_block_ids":["DUMMY_ID"],"remote_host":"DUMMY","remote_port":1234,"tp_size":1}'

/** The member of an answer to `do_remote_decode`, with the comma before it; empty otherwise. */
export function kvTransferMember({ kvTransfer }: Pick<GenerationRequest, 'kvTransfer'>): string {
  return kvTransfer?.doRemoteDecode ? answer : ''
}
