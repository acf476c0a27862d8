import { RequestError } from '@vllm-sim/core-engine'
import { cut, longestName } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { getJson, type Route } from '../routing/route.ts'

interface ModelCard {
  readonly id: string
  readonly object: 'model'
  readonly created: number
  readonly owned_by: 'vllm'
  readonly root: string
  readonly parent: string | null
  readonly max_model_len: number
  readonly permission: readonly object[]
}

/** `GET /v1/models` and `GET /v1/models/{id}` */
export function modelRoutes(context: ApiContext): Route[] {
  return [
    getJson('/v1/models', () => ({ object: 'list', data: modelCards(context) })),
    getJson('/v1/models/*id', req => {
      const id = [req.params?.['id'] ?? ''].flat().join('/')
      const card = modelCards(context).find(one => one.id === id)
      if (!card) throw new RequestError(404, `The model \`${cut(id, longestName)}\` does not exist.`)
      return card
    }),
  ]
}

/** One card per served name, then one per adapter. */
function modelCards({ settings, engine, clock }: ApiContext): ModelCard[] {
  const created = Math.floor(clock.wall() / 1000)
  const card = (id: string, root: string, parent: string | null): ModelCard => ({
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root,
    parent,
    max_model_len: engine.maxModelLen,
    permission: [permission(id, created)],
  })
  const cards = settings.servedNames.map(name => card(name, settings.model, null))
  for (const [name, path] of engine.loras?.registered ?? []) {
    cards.push(card(name, path === '' ? name : path, settings.servedNames[0]!))
  }
  return cards
}

/** What vLLM says about every model. */
function permission(model: string, created: number): object {
  return {
    id: `modelperm-${model}`,
    object: 'model_permission',
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: '*',
    group: null,
    is_blocking: false,
  }
}
