/** An answer of a mock. */
interface MockAnswer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body: unknown
}

/** A request, and what the mocks answer to its legs: the n-th answer to the n-th leg, the last one to all after it. */
export interface Scenario {
  readonly name: string
  readonly flags?: readonly string[]
  readonly method?: string
  readonly path?: string
  /** `<P>`, `<D>`, `<E>`, `<Q>` stand for the ports of the mocks. */
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: unknown
  readonly P?: readonly MockAnswer[]
  readonly D?: readonly MockAnswer[]
  readonly E?: readonly MockAnswer[]
  readonly Q?: readonly MockAnswer[]
  readonly noDecoder?: boolean
  /** Milliseconds to wait for legs in the background. */
  readonly settle?: number
}

const body = { model: 'm', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 50 }
const p = { 'x-prefiller-host-port': '127.0.0.1:<P>' }
const media = (...items: object[]) => ({
  ...body,
  messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, ...items] }],
})
const image = (url: string) => ({ type: 'image_url', image_url: { url } })
const e = { 'x-encoder-hosts-ports': '127.0.0.1:<E>' }
const sse = { 'content-type': 'text/event-stream' }
const events = 'data: {"choices":[]}\n\ndata: {"choices":[],"usage":{"prompt_tokens":64}}\n\ndata: [DONE]\n\n'
const below = { body: { choices: [{ finish_reason: 'cache_threshold' }] } }
const enough = { body: { choices: [{ finish_reason: 'stop' }] } }
const piece = (content: string, finish_reason: string, completion_tokens: number) => ({
  body: {
    id: content,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason }],
    usage: { prompt_tokens: 10, completion_tokens, total_tokens: 10 + completion_tokens },
  },
})

/** Those of the list of llm-d's behaviour, in its order. */
export const scenarios: readonly Scenario[] = [
  // Routing.
  { name: 'GET on a path of an API', method: 'GET', body },
  { name: 'GET /v1/models', method: 'GET', path: '/v1/models' },
  { name: 'GET /health', method: 'GET', path: '/health' },
  { name: 'POST /v1/embeddings', path: '/v1/embeddings', body, headers: p },
  { name: 'decode only', body, headers: { 'x-request-id': 'mine', authorization: 'Bearer x' } },
  { name: 'decode only, no JSON', body: '{"a"' },
  { name: 'Responses, decode only', path: '/v1/responses', body: { input: 'x' } },
  { name: 'query kept', path: '/v1/chat/completions?a=b', body, headers: p },
  { name: 'http:// before the target', body, headers: { 'x-prefiller-host-port': 'http://127.0.0.1:<P>' } },
  { name: 'empty header', body, headers: { 'x-prefiller-host-port': '' } },
  { name: 'two in one line', body, headers: { 'x-prefiller-host-port': '127.0.0.1:<P>, 127.0.0.1:1' } },
  { name: 'another scheme', body, headers: { 'x-prefiller-host-port': 'ftp://a:1' } },
  // nixlv2.
  { name: 'standard', body, headers: p },
  { name: 'both limits', body: { ...body, max_completion_tokens: 100 }, headers: p },
  { name: 'min_tokens', body: { ...body, min_tokens: 5 }, headers: p },
  {
    name: 'streamed',
    body: { ...body, stream: true, stream_options: { include_usage: true } },
    headers: p,
    D: [{ headers: sse, body: events }],
  },
  { name: 'completions', path: '/v1/completions', body: { prompt: 'x', max_tokens: 3 }, headers: p },
  { name: 'messages', path: '/v1/messages', body, headers: p },
  {
    name: 'responses',
    path: '/v1/responses',
    body: { input: 'x', max_output_tokens: 9 },
    headers: p,
    D: [{ body: { usage: { input_tokens: 5 } } }],
  },
  {
    name: 'generate',
    path: '/inference/v1/generate',
    body: { token_ids: [1], sampling_params: { max_tokens: 9, temperature: 0 } },
    headers: p,
  },
  { name: 'generate without sampling_params', path: '/inference/v1/generate', body: { token_ids: [1] }, headers: p },
  { name: 'client id', body, headers: { ...p, 'x-request-id': 'mine' } },
  { name: 'client kv_transfer_params', body: { ...body, kv_transfer_params: { a: 1 } }, headers: p },
  { name: 'large integer', body: '{"seed":9007199254740993,"max_tokens":5}', headers: p },
  { name: 'no kv_transfer_params', body, headers: p, P: [{ body: {} }] },
  { name: 'no usage', body, headers: p, P: [{ body: { kv_transfer_params: {} } }] },
  { name: 'prefill 500', body, headers: p, P: [{ status: 500, headers: { 'x-a': 'b' }, body: { error: 1 } }] },
  { name: 'prefill 429', body, headers: p, P: [{ status: 429, headers: { 'retry-after': '7' }, body: { error: 1 } }] },
  { name: 'prefill 302', body, headers: p, P: [{ status: 302, headers: { location: '/x' }, body: '' }] },
  { name: 'prefill no JSON', body, headers: p, P: [{ body: '<html>' }] },
  { name: 'prefill unreachable', body, headers: { 'x-prefiller-host-port': '127.0.0.1:1' } },
  { name: 'decode 418', body, headers: p, D: [{ status: 418, headers: { 'x-a': 'b' }, body: { error: 1 } }] },
  { name: 'body []', body: '[]', headers: p },
  { name: 'body empty', body: '', headers: p },
  { name: 'a JSON answer of 200 kB', body, headers: p, D: [{ body: { text: 'x'.repeat(200_000), usage: {} } }] },
  {
    name: 'retry',
    flags: ['--prefill-max-retries=2', '--prefill-retry-backoff=5ms'],
    body,
    headers: p,
    P: [{ status: 503, body: {} }, { body: { kv_transfer_params: { a: 1 } } }],
  },
  {
    name: 'retries used up',
    flags: ['--prefill-max-retries=2', '--prefill-retry-backoff=5ms'],
    body,
    headers: p,
    P: [{ status: 502, body: { error: 1 } }],
  },
  { name: 'no decoder', flags: ['--prefill-max-retries=0'], noDecoder: true, body },
  { name: 'no decoder after a prefill', flags: ['--prefill-max-retries=0'], noDecoder: true, body, headers: p },
  // Other connectors.
  { name: 'standard', flags: ['--kv-connector=shared-storage'], body, headers: p },
  {
    name: 'decode first, enough',
    flags: ['--kv-connector=shared-storage'],
    body: { ...body, cache_hit_threshold: 0.5 },
    headers: p,
    D: [enough],
  },
  {
    name: 'decode first, not enough',
    flags: ['--kv-connector=shared-storage'],
    body: { ...body, cache_hit_threshold: 0.5 },
    headers: p,
    D: [below, enough],
  },
  {
    name: 'decode first, error',
    flags: ['--kv-connector=shared-storage'],
    body: { ...body, cache_hit_threshold: 0.5 },
    headers: p,
    D: [{ status: 418, headers: { 'x-a': 'b' }, body: { e: 1 } }],
  },
  {
    name: 'prefill 500',
    flags: ['--kv-connector=shared-storage'],
    body,
    headers: p,
    P: [{ status: 500, headers: { 'x-a': 'b' }, body: { e: 1 } }],
  },
  { name: 'standard', flags: ['--kv-connector=sglang'], body, headers: p, settle: 100 },
  { name: 'no JSON', flags: ['--kv-connector=sglang'], body: '{', headers: p },
  {
    name: 'standard',
    flags: ['--kv-connector=mooncake', '--mooncake-bootstrap-port=<Q>'],
    body,
    headers: p,
    settle: 100,
  },
  { name: 'bootstrap 500', flags: ['--kv-connector=mooncake', '--mooncake-bootstrap-port=1'], body, headers: p },
  { name: 'standard', flags: ['--kv-connector=offloading'], body, headers: p, settle: 100 },
  {
    name: 'pull, decode only',
    flags: ['--kv-connector=offloading'],
    body,
    headers: { 'x-kv-cache-source-host-port': '10.0.0.9:8000' },
  },
  {
    name: 'pull and prefill',
    flags: ['--kv-connector=offloading'],
    body,
    headers: { ...p, 'x-kv-cache-source-host-port': '10.0.0.9:8000' },
    settle: 100,
  },
  {
    name: 'pull from nonsense',
    flags: ['--kv-connector=offloading'],
    body,
    headers: { 'x-kv-cache-source-host-port': ':8000' },
  },
  {
    name: 'pull with nixlv2',
    flags: ['--enable-p2p-pull'],
    body,
    headers: { ...p, 'x-kv-cache-source-host-port': '10.0.0.9:8000' },
  },
  { name: 'WRITE', flags: ['--moriio-write-mode'], body, headers: p },
  {
    name: 'WRITE, dp 8, rank of the answer',
    flags: ['--moriio-write-mode', '--moriio-dp-size=8'],
    body,
    headers: p,
    P: [{ body: { kv_transfer_params: { remote_dp_rank: 3 } } }],
  },
  { name: 'both at once', flags: ['--moriio-write-mode', '--moriio-parallel-dispatch'], body, headers: p },
  {
    name: 'both at once, prefill 500',
    flags: ['--moriio-write-mode', '--moriio-parallel-dispatch'],
    body,
    headers: p,
    P: [{ status: 500, body: { e: 1 } }],
  },
  // Pieces.
  {
    name: 'joined',
    flags: ['--decode-chunk-size=5'],
    body: { ...body, max_tokens: 10 },
    D: [piece('Hello', 'length', 5), piece(' world', 'stop', 3)],
  },
  {
    name: 'streamed',
    flags: ['--decode-chunk-size=5'],
    body: { ...body, max_tokens: 10, stream: true },
    D: [piece('Hello', 'length', 5), piece(' world', 'stop', 3)],
  },
  { name: 'small budget', flags: ['--decode-chunk-size=5'], body: { ...body, max_tokens: 5 } },
  // Encoders.
  { name: 'E/PD, text', flags: ['--ec-connector=ec-nixl'], body, headers: e },
  {
    name: 'E/PD, image twice',
    flags: ['--ec-connector=ec-nixl'],
    body: media(image('http://a/1'), image('http://a/1')),
    headers: e,
  },
  {
    name: 'E/P/D, image',
    flags: ['--ec-connector=ec-nixl'],
    body: media(image('http://a/1')),
    headers: { ...e, ...p },
  },
  {
    name: 'encoder fails',
    flags: ['--ec-connector=ec-nixl'],
    body: media(image('http://a/1')),
    headers: e,
    E: [{ status: 500, body: 'no' }],
  },
  { name: 'E/PD, image', flags: ['--ec-connector=ec-example'], body: media(image('http://a/1')), headers: e },
  {
    name: 'encoders without a connector',
    flags: ['--enable-prefiller-sampling'],
    body: media(image('http://a/1')),
    headers: e,
  },
  // Ranks.
  {
    name: 'unknown rank',
    flags: ['--data-parallel-size=2'],
    body,
    headers: { 'x-data-parallel-host-port': '10.0.0.1:1' },
  },
]

/** Differences that are meant, as the runner prints them behind the scenario's title. */
export const known: readonly { readonly where: RegExp; readonly reason: string }[] = [
  { where: /accept-encoding/, reason: 'Go asks for gzip by itself and unpacks' },
  { where: /user-agent/, reason: 'Go names itself to the bootstrap server' },
  {
    where: /body(\.sampling_params)?\.(min_tokens|max_completion_tokens|max_output_tokens):/,
    reason: 'llm-d has one rule for capping since: no min_tokens, the members of the API',
  },
  { where: /shared-storage.*\.body\.stream:/, reason: 'llm-d does not stream this prefill since' },
  { where: /\.body\.store:/, reason: 'a prefill answer is not stored' },
  { where: /x-request-id/, reason: 'one id on all legs' },
  { where: /content-type: ours "application\/json"/, reason: 'errors are JSON and say so' },
  { where: /(shared-storage|decode first).*headers\.x-a/, reason: 'headers of an error are kept' },
  {
    where: /(messages|responses|200 kB) {2}\.body\.usage/,
    reason: 'cached tokens in the place of the API, also in long answers',
  },
  { where: /(another scheme|unreachable) {2}\.body:/, reason: 'a 502 has the usual form' },
  { where: /prefill no JSON {2}\.(status|body)/, reason: 'what a prefiller says wrongly is a 502' },
  { where: /(body \[\]|no JSON|bootstrap 500) {2}\.body\.message/, reason: 'the reason in our words' },
  {
    where: /x-data-parallel-rank|remote_dp_rank: ours \d, theirs \d/,
    reason: 'the rank is that of an id, which is random',
  },
  {
    where: /decode-chunk-size.*(joined|streamed|fails) {2}/,
    reason: 'one id, chunks that are chunks, usage when it is asked for, one message that grows',
  },
]
