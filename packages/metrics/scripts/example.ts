import { Engine, repeatMode, Timeline, Token, VirtualClock } from '@vllm-sim/core-engine'
import { createMetrics } from '@vllm-sim/metrics'
import { Counter } from 'prom-client'

const clock = new VirtualClock()
const metrics = createMetrics({
  clock,
  modelName: 'my-model',
  maxModelLen: 1024,
  maxLoras: 1,
  cacheConfig: { blockSize: 16, numGpuBlocks: 1024 },
})
const engine = new Engine({
  timeline: new Timeline(clock),
  seed: 1,
  maxNumSeqs: 5,
  maxWaiting: 1000,
  maxModelLen: 1024,
  latency: { firstToken: () => 200, interToken: () => 80 },
  text: repeatMode(new Token(1, 'hi ')),
  observers: [metrics.observer],
})

// A metric of your own joins the same text.
const visits = new Counter({ name: 'visits_total', help: 'Visits.', registers: [metrics.registry] })
visits.inc()

const prompts = [{ tokenIds: [1, 2, 3] }]
const request = { id: 'a', model: 'my-model', prompts, n: 1, limits: { maxTokens: 4, ignoreEos: true }, arrival: 0 }
engine.submit(request, { onTokens: () => true, onFinish: () => {} })
clock.runAll()

const text = await metrics.render()
for (const name of ['vllm:time_to_first_token_seconds_sum', 'vllm:generation_tokens_total', 'visits_total']) {
  console.log(text.split('\n').find(line => line.startsWith(name)))
}
// vllm:time_to_first_token_seconds_sum{model_name="my-model"} 0.2
// vllm:generation_tokens_total{model_name="my-model"} 4
// visits_total 1
