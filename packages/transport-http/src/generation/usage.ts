import { sumUsage, type UsageOptions } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { type SharedWire, usageWanted } from './wire.ts'

export { runningUsage, usageJson } from '../output/usage.ts'
export { sumUsage, type UsageOptions }

export function usageOptions(body: SharedWire, context: ApiContext): UsageOptions {
  return usageWanted(body, context)
}
