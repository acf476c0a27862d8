import { latencyModel, noLatency, seededRandom, Timeline, VirtualClock } from '@vllm-sim/latency'

const model = latencyModel({
  ...noLatency,
  interTokenLatency: 12.5,
  prefillOverhead: 30,
  prefillTimePerToken: 0.25,
  timeFactorUnderLoad: 2,
  maxNumSeqs: 5,
})
const random = seededRandom(42, 'a request')
const step = {
  running: 1,
  waiting: 0,
  promptTokens: 256,
  cachedTokens: 64,
  contextTokens: 256,
  outputTokens: 0,
  remotePrefill: false,
  random,
}
console.log(model.firstToken(step)) // 78
console.log(model.interToken({ ...step, running: 3 })) // 18.75

const clock = new VirtualClock()
const timeline = new Timeline(clock)
timeline.at(3_600_000, now => console.log(now)) // 3600000
clock.runAll()
