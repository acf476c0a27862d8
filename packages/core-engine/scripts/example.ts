import { Engine, presetSentences, randomMode, Timeline, Token, VirtualClock } from '@vllm-sim/core-engine'

const words = (text: string) => text.split(/(?<= )(?=.)/).map((word, at) => new Token(at, word))
const clock = new VirtualClock()
const engine = new Engine({
  timeline: new Timeline(clock),
  seed: 42,
  maxNumSeqs: 2,
  maxWaiting: 100,
  maxModelLen: 1024,
  latency: { firstToken: () => 200, interToken: () => 50 },
  text: randomMode(presetSentences.map(words)),
})

const prompts = [{ tokenIds: [1, 2, 3] }]
const limits = { maxTokens: 4, ignoreEos: true }
for (const id of ['a', 'b', 'c']) {
  const request = { id, model: 'm', prompts, n: 1, limits, arrival: clock.now() }
  engine.submit(request, {
    onTokens: () => true,
    onFinish: (_sequence, outcome) => console.log(`${id}: ${outcome.completionTokens} tokens at ${clock.now()} ms`),
  })
}
console.log(engine.snapshot().waiting)
clock.runAll()
// 1
// a: 4 tokens at 350 ms
// b: 4 tokens at 350 ms
// c: 4 tokens at 700 ms
