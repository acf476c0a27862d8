import type { Outcome } from '@vllm-sim/core-engine'
import { kvTransferParams } from '@vllm-sim/serving'
import type { Plan } from '../generation/endpoint.ts'

/** `kv_transfer_params` of an answer, with the comma before it; empty when it has none. @param outcome of the first choice */
export function kvTransferMember({ context, request }: Pick<Plan, 'context' | 'request'>, outcome: Outcome): string {
  const params = kvTransferParams(request, outcome, context)
  return params ? `,"kv_transfer_params":${JSON.stringify(params)}` : ''
}

/** The same for dialects whose answers have the member only when blocks are handed over. */
export function handOverMember({ kvTransferParams: params }: Outcome): string {
  return params ? `,"kv_transfer_params":${JSON.stringify(params)}` : ''
}
