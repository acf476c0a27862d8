/** The API of a request that can be disaggregated, as metrics and traces name it. */
export type ApiType =
  | 'chat_completions'
  | 'completions'
  | 'messages'
  | 'responses'
  | 'vllm_generate'
  | 'sglang_generate'

/** Paths by API type: `POST` requests to them can be disaggregated. */
const paths: Readonly<Record<ApiType, string>> = {
  chat_completions: '/v1/chat/completions',
  completions: '/v1/completions',
  messages: '/v1/messages',
  responses: '/v1/responses',
  vllm_generate: '/inference/v1/generate',
  sglang_generate: '/generate',
}

const byPath = new Map(Object.entries(paths).map(([api, path]) => [path, api as ApiType]))

/** A path without doubled and trailing slashes. The query is not part of it. */
export function cleanPath(path: string): string {
  const single = path.includes('//') ? path.replace(/\/{2,}/g, '/') : path
  return single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single
}

/** The API type of a cleaned path, or undefined: such a request is the decoder's alone. */
export function apiTypeOf(path: string): ApiType | undefined {
  return byPath.get(path)
}
