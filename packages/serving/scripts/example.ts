import { RequestError } from '@vllm-sim/core-engine'
import { ContentChance, FailureInjector, resolveModel } from '@vllm-sim/serving'

const models = { settings: { servedNames: ['my-model', 'alias'], anyModel: false }, engine: {} }
console.log(resolveModel('alias', models).name) // my-model
try {
  resolveModel('other', models)
} catch (error) {
  console.log(error instanceof RequestError && error.status) // 404
}

// One request in three fails; which one depends on the seed and on what it says, never on the order of arrival.
const failures = new FailureInjector(7, 'my-model', () => ({ rate: 33, types: ['rate_limit'] }))
const drawn = Array.from({ length: 1000 }, () => failures.draw('{"prompt":"Hello"}'))
const failed = drawn.filter(failure => failure !== undefined).length
console.log(failed > 280 && failed < 380) // true

console.log(new ContentChance(7, 'image', () => 100).draw('{"prompt":"Hello"}')) // true
