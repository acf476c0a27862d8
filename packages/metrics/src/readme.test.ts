import { VirtualClock } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { fake } from '../scripts/example-2.ts'
import { createMetrics } from './index.ts'

test('the fake configuration is one', async () => {
  const { render } = createMetrics({
    clock: new VirtualClock(),
    modelName: 'm',
    maxModelLen: 1024,
    maxLoras: 1,
    cacheConfig: { blockSize: 16, numGpuBlocks: 1024 },
    fake,
  })
  const shown = await render()
  expect(shown).toContain('vllm:num_requests_running{model_name="m"} 3\n')
  expect(shown).toContain('vllm:time_to_first_token_seconds_count{model_name="m"} 60\n')
})
