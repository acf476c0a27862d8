import { markdownTable as table } from '../../packages/config/src/index.ts'
import { withServer } from './server.ts'

/** What each endpoint is for. A test fails when an endpoint is missing here or there is none for a row. */
const purposes: Readonly<Record<string, string>> = {
  'POST /v1/chat/completions': 'OpenAI chat completion',
  'POST /v1/completions': 'OpenAI text completion; text or token ids, one or several prompts',
  'POST /v1/responses': 'OpenAI response; stored unless `store` is false',
  'POST /v1/responses/input_tokens': 'input tokens of a response, without generating',
  'GET /v1/responses/{id}': 'a stored response; `?stream=true&starting_after=N` replays its events',
  'DELETE /v1/responses/{id}': 'forgets a stored response, ends it when it still runs',
  'POST /v1/responses/{id}/cancel': 'ends a response that runs in the background',
  'GET /v1/responses/{id}/input_items': 'the input of a stored response',
  'POST /v1/messages': 'Anthropic message',
  'POST /v1/messages/count_tokens': 'prompt tokens of a message, without generating',
  'POST /inference/v1/generate': 'vLLM: token ids in, token ids out',
  'POST /v1/embeddings': 'vectors derived from the token ids',
  'POST /v1/chat/completions/render': 'prompt of a chat as token ids',
  'POST /v1/completions/render': 'prompts as token ids, one object each',
  'POST /v1/chat/completions/derender': 'chat answer from generated token ids',
  'POST /v1/completions/derender': 'text answer from generated token ids',
  'POST /tokenize': 'token ids of a prompt or chat',
  'POST /detokenize': 'text of token ids',
  'GET /v1/models': 'served names and adapters',
  'GET /v1/models/{id}': 'one of them',
  'POST /v1/load_lora_adapter': 'makes an adapter known',
  'POST /v1/unload_lora_adapter': 'forgets an adapter',
  'GET /health': '200 as long as the process lives',
  'GET /health/ready': '503 until `startup-duration` has passed and while draining, else 200',
  'GET /ping': 'as `/health`',
  'POST /ping': 'as `/health`',
  'GET /version': 'the version of vLLM whose surface is served',
  'GET /load': 'generation requests in flight; counted with `--enable-server-load-tracking`',
  'GET /metrics': 'Prometheus text ([metrics.md](metrics.md)); `?name[]=` filters',
  'GET /admin/config': 'the configuration in force',
  'GET /admin/options': 'every option with an effect: `name`, `value`, `default`, `live`',
  'POST /admin/config': 'changes it ([configuration.md](configuration.md#live-changes))',
  'GET /admin/kv-transfers': 'the newest 1,000 transfers of KV blocks ([disaggregation.md](disaggregation.md))',
  'POST /fake_metrics': 'deprecated form of the above for fake metrics; 204',
  'POST /sleep': 'drops and switches off the KV cache ([kv-cache.md](kv-cache.md#sleep))',
  'POST /wake_up': 'ends sleep',
  'GET /is_sleeping': '`{"is_sleeping":false}` or `true`',
  'GET /query': 'Mooncake bootstrap: an engine id per data-parallel rank',
  'POST /reset_prefix_cache': 'empties the KV cache unless a running request uses it',
  'GET /server_info': 'configuration, environment and versions',
  'POST /vllm.grpc.engine.VllmEngine/{method}': 'the engine service for gRPC-Web and Connect ([grpc.md](grpc.md))',
  'POST /grpc.health.v1.Health/{method}': 'gRPC’s health service, likewise',
  'POST /grpc.reflection.v1.ServerReflection/{method}': 'gRPC’s server reflection, likewise',
  'POST /grpc.reflection.v1alpha.ServerReflection/{method}': 'the same for older clients',
  'GET /openapi.json': 'this list as OpenAPI 3.1',
  'GET /docs': 'this list as a page',
  'GET /redoc': 'as `/docs`',
}

/** Configurations in which some endpoints are not there, and how that is said. */
const conditions: readonly Condition[] = [
  { note: '`VLLM_SERVER_DEV_MODE=1`', argv: [], development: false },
  { note: 'not with `--mm-encoder-only`', argv: ['--mm-encoder-only'], development: true },
  { note: 'not with `--disable-fastapi-docs`', argv: ['--disable-fastapi-docs'], development: true },
]

interface Condition {
  readonly note: string
  readonly argv: readonly string[]
  /** vLLM's development mode is on. */
  readonly development: boolean
}

function environment(development: boolean): Readonly<Record<string, string>> {
  return development ? { VLLM_SERVER_DEV_MODE: '1' } : {}
}

/** Every endpoint of a server, asked of servers in several configurations. */
export async function endpointTable(): Promise<string> {
  const all = await withServer([], environment(true), list)
  const undescribed = all.filter(endpoint => !(endpoint in purposes))
  const gone = Object.keys(purposes).filter(endpoint => !all.includes(endpoint))
  if (undescribed.length > 0) throw new Error(`not described in scripts/docs/endpoints.ts: ${undescribed.join(', ')}`)
  if (gone.length > 0) throw new Error(`scripts/docs/endpoints.ts describes what is not there: ${gone.join(', ')}`)
  const notes = new Map<string, string>()
  for (const { note, argv, development } of conditions) {
    const missing = await withServer(argv, environment(development), url => absent(url, all))
    for (const endpoint of missing) notes.set(endpoint, note)
  }
  return table(
    ['method', 'path', 'what it is', 'there'],
    Object.entries(purposes).map(([endpoint, purpose]) => {
      const [method = '', path = ''] = endpoint.split(' ')
      return [method, `\`${path}\``, purpose, notes.get(endpoint) ?? '']
    }),
  )
}

/** `METHOD path` of all endpoints of a server. */
async function list(url: string): Promise<string[]> {
  const response = await fetch(`${url}/openapi.json`)
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
  )
}

/** Those of the endpoints that a server does not know. */
async function absent(url: string, endpoints: readonly string[]): Promise<string[]> {
  const missing: string[] = []
  for (const endpoint of endpoints) {
    const path = endpoint.slice(endpoint.indexOf(' ') + 1).replaceAll(/[{}]/g, '')
    const { status } = await fetch(url + path, { method: 'OPTIONS' })
    if (status === 404) missing.push(endpoint)
  }
  return missing
}
