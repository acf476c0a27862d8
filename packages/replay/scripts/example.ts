import { StepCost } from '@vllm-sim/latency'
import { readTrace, replay } from '@vllm-sim/replay'

const lines = [
  { timestamp: 0, input_length: 1000, output_length: 3, hash_ids: [1, 2] },
  { timestamp: 100, input_length: 1000, output_length: 2, hash_ids: [1, 3] },
]
const trace = readTrace(lines.map(line => JSON.stringify(line)).join('\n'), { blockSize: 16 })

const cost = new StepCost({
  host_ms: 2,
  mixed_ms: 3,
  weights_ms: 15,
  token_us: 0,
  seq_us: 0,
  ctx_us_per_ktok: 0,
  pair_us_per_ktok: 0,
  skew_us_per_ktok: 0,
})
const { requests, steps } = replay(trace, {
  engine: {
    cost,
    blockSize: 16,
    numBlocks: 1000,
    maxNumSeqs: 64,
    maxNumBatchedTokens: 2048,
    maxModelLen: 8192,
    chunkedPrefill: true,
    longPrefillTokenThreshold: 0,
    policy: 'fcfs',
    watermark: 0,
    reserveFullInput: true,
    maxLoras: 0,
    caching: true,
    async: true,
    arrivalDelay: 0,
  },
})
console.log(steps) // 5
console.log(requests.map(one => one.firstTokenAt - one.arrivedAt)) // [ 20, 20 ]
console.log(requests[1]?.cachedTokens) // 512
