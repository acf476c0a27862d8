import type { ApiType } from './api-types.ts'

/** Where members stand: in the body, or in an object inside of it that is made when it is missing. */
export type Place = 'body' | 'sampling_params'

/** Changes of a body. Values are JSON. */
export interface BodyEdits {
  readonly set: Readonly<Record<string, string>>
  readonly remove: readonly string[]
  /** Changes inside of `sampling_params`. */
  readonly sampling?: { readonly set: Readonly<Record<string, string>>; readonly remove: readonly string[] }
}

/** Which members limit the answer, and where they stand (llm-d-router, one rule for every connector that caps). */
const limits: Readonly<Record<ApiType, { readonly place: Place; readonly names: readonly string[] }>> = {
  chat_completions: { place: 'body', names: ['max_tokens', 'max_completion_tokens'] },
  sglang_generate: { place: 'body', names: ['max_tokens', 'max_completion_tokens'] },
  completions: { place: 'body', names: ['max_tokens'] },
  messages: { place: 'body', names: ['max_tokens'] },
  vllm_generate: { place: 'sampling_params', names: ['max_tokens'] },
  responses: { place: 'body', names: ['max_output_tokens'] },
}

/** Makes a body ask for one token, unstreamed. `min_tokens` would contradict it. */
export function cap(api: ApiType): BodyEdits {
  const { place, names } = limits[api]
  const ones = Object.fromEntries(names.map(name => [name, '1']))
  if (place === 'body') {
    return { set: { ...ones, stream: 'false' }, remove: ['stream_options', 'min_tokens'] }
  }
  return { set: { stream: 'false' }, remove: ['stream_options'], sampling: { set: ones, remove: ['min_tokens'] } }
}

/** The body of a prefill leg: capped, and what it answers is not stored. */
export function prefillOnly(api: ApiType): BodyEdits {
  const edits = cap(api)
  return api === 'responses' ? { ...edits, set: { ...edits.set, store: 'false' } } : edits
}

/** Where an API counts the prompt tokens that came from a cache. */
export interface UsagePlace {
  /** The member with the usage lies in the outermost object (empty), or in this member of it: stream events of some APIs. */
  readonly wrappers: readonly string[]
  /** The object of `usage` that has the number; undefined: it stands in `usage` itself. */
  readonly details: string | undefined
  readonly member: string
}

/** The place of an API's cached tokens. */
export function usageOf(api: ApiType): UsagePlace {
  switch (api) {
    case 'responses':
      return { wrappers: ['response'], details: 'input_tokens_details', member: 'cached_tokens' }
    case 'messages':
      return { wrappers: ['message'], details: undefined, member: 'cache_read_input_tokens' }
    default:
      return { wrappers: [], details: 'prompt_tokens_details', member: 'cached_tokens' }
  }
}
