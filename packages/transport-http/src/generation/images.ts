import { imageDelay as delayOf } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import type { Lowered, Received } from './lowered.ts'

export function imageDelay({ call }: Received, _context: ApiContext): Pick<Lowered, 'extraDelay'> {
  const extraDelay = delayOf(call)
  return extraDelay ? { extraDelay } : {}
}
