import type { Limits } from '@vllm-sim/core-engine'
import { checkParams, type RequestParams, type SamplingParams } from '@vllm-sim/serving'
import { requestParams, type SamplingWire, type SharedWire, samplingParams } from './wire.ts'

export {
  type KvTransferWire as KvTransferParams,
  type SamplingWire as SamplingBody,
  type SharedWire as SharedBody,
  samplingProperties,
  sharedProperties,
} from './wire.ts'

export function checkSampling(body: SamplingWire, shared: SharedWire, maxTokens: number | undefined): void {
  checkParams(samplingParams(body, maxTokens), requestParams(shared))
}

export function limitsOf(body: SamplingWire, maxTokens: number | undefined): Limits {
  return samplingParams(body, maxTokens)
}

type SharedLowering = Pick<SamplingParams, 'seed'> & Omit<RequestParams, 'stream'>

export function sharedLowering(body: SamplingWire, shared: SharedWire): SharedLowering {
  const { stream: _, ...params } = requestParams(shared)
  return { seed: samplingParams(body, undefined).seed, ...params }
}
