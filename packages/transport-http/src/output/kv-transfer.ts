import type { GenerationRequest } from '@vllm-sim/core-engine'
import { kvTransferAnswer } from '@vllm-sim/serving'

const answer = `,"kv_transfer_params":${JSON.stringify(kvTransferAnswer)}`

/** The member of an answer to `do_remote_decode`, with the comma before it; empty otherwise. */
export function kvTransferMember({ kvTransfer }: Pick<GenerationRequest, 'kvTransfer'>): string {
  return kvTransfer?.doRemoteDecode ? answer : ''
}
