import { RequestError } from '@vllm-sim/core-engine'
import { ContentChance, FailureInjector, resolveModel } from '@vllm-sim/serving'

const settings = { servedNames: ['my-model', 'alias'], anyModel: false }
const models = { settings, engine: {} }
export const shown = resolveModel('alias', models).name // 'my-model'

export function statusOf(model: string) {
  try {
    resolveModel(model, models)
    return 200
  } catch (error) {
    return error instanceof RequestError ? error.status : 500 // 404 for a model that is not served
  }
}

// One request in three fails; which one depends on the seed and on what it says, never on the order of arrival.
export const failures = new FailureInjector(7, 'my-model', () => ({ rate: 33, types: ['rate_limit'] }))
export const failure = failures.draw('{"prompt":"Hello"}')

export const image = new ContentChance(7, 'image', () => 100).draw('{"prompt":"Hello"}') // true
