const messages = [
  { role: 'system', content: 'Be brief.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'http://x/a.jpg' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    ],
  },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call-1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
  },
  { role: 'tool', tool_call_id: 'call-1', content: 'nothing' },
]

const parameters = {
  type: 'object',
  properties: {
    city: { type: 'string', minLength: 1, maxLength: 20, pattern: '^[a-z]+$' },
    days: { type: 'array', items: { $ref: '#/$defs/day' }, minItems: 1, maxItems: 3 },
    unit: { enum: ['c', 'f'] },
    exact: { type: 'number', minimum: 0, multipleOf: 0.5 },
  },
  required: ['city', 'days'],
  additionalProperties: false,
  $defs: {
    day: {
      anyOf: [
        { type: 'integer', minimum: 1 },
        { type: 'string', format: 'date' },
      ],
    },
  },
}

const tools = [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters } }]

const sampling = {
  max_tokens: 8,
  min_tokens: 1,
  n: 2,
  temperature: 0.7,
  top_p: 0.9,
  top_k: 5,
  stop: ['zzz'],
  stop_token_ids: [7],
  seed: 1,
  ignore_eos: false,
  presence_penalty: 0.1,
}

const shared = {
  model: 'my-model',
  stream_options: { include_usage: true },
  kv_transfer_params: { do_remote_prefill: true, remote_block_ids: [1], remote_host: 'h' },
  cache_salt: 'salt',
  cache_hit_threshold: 0,
  priority: 1,
  request_id: 'mine',
}

const generated = {
  request_id: 'r',
  choices: [{ index: 0, token_ids: [1, 2], finish_reason: 'stop', logprobs: { content: [] } }],
  usage: { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4, prompt_tokens_details: { cached_tokens: 0 } },
}

/**
 * Valid bodies of every endpoint that reads one, rich in members. Where there is a stream, the same bodies are valid with
 * `stream: true`.
 */
export const validBodies: readonly {
  readonly path: string
  readonly streams: boolean
  readonly body: Readonly<Record<string, unknown>>
}[] = [
  {
    path: '/v1/chat/completions',
    streams: true,
    body: {
      ...shared,
      ...sampling,
      messages,
      tools,
      tool_choice: 'auto',
      parallel_tool_calls: true,
      logprobs: true,
      top_logprobs: 2,
      return_token_ids: true,
      chat_template_kwargs: { enable_thinking: true },
      reasoning_effort: 'low',
    },
  },
  {
    path: '/v1/chat/completions',
    streams: true,
    body: {
      model: 'my-model',
      messages: [{ role: 'user', content: 'Hello' }],
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: parameters } },
      max_completion_tokens: 50,
    },
  },
  {
    path: '/v1/chat/completions',
    streams: true,
    body: {
      model: 'my-model',
      messages: [{ role: 'user', content: 'Hello' }],
      structured_outputs: { regex: 'a{2,4}b?' },
    },
  },
  {
    path: '/v1/completions',
    streams: true,
    body: { ...shared, ...sampling, prompt: ['Hello', 'world'], logprobs: 2, echo: true, guided_choice: ['a', 'b'] },
  },
  { path: '/v1/completions', streams: true, body: { model: 'my-model', prompt: [[1, 2], [3]] } },
  {
    path: '/v1/responses',
    streams: true,
    body: {
      model: 'my-model',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
        { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'nothing' },
      ],
      instructions: 'Be brief.',
      tools: [{ type: 'function', name: 'look', parameters }],
      tool_choice: 'auto',
      max_output_tokens: 9,
      include: ['message.output_text.logprobs'],
      top_logprobs: 1,
      text: { format: { type: 'text' } },
      reasoning: { effort: 'low' },
      store: true,
      metadata: { a: 'b' },
    },
  },
  {
    path: '/v1/responses/input_tokens',
    streams: false,
    body: { model: 'my-model', input: 'Hello', instructions: 'x' },
  },
  {
    path: '/v1/messages',
    streams: true,
    body: {
      model: 'my-model',
      max_tokens: 9,
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hello' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          ],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'look', input: { a: 1 } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'nothing' }] },
      ],
      tools: [{ name: 'look', description: 'Looks.', input_schema: parameters }],
      tool_choice: { type: 'auto' },
      stop_sequences: ['zzz'],
      thinking: { type: 'enabled', budget_tokens: 1024 },
    },
  },
  {
    path: '/v1/messages/count_tokens',
    streams: false,
    body: { model: 'my-model', messages: [{ role: 'user', content: 'Hello' }], system: 'Be brief.' },
  },
  {
    path: '/inference/v1/generate',
    streams: true,
    body: {
      ...shared,
      token_ids: [1, 2, 3],
      sampling_params: { ...sampling, logprobs: 1, prompt_logprobs: 1, extra_args: { kv_transfer_params: {} } },
      features: {
        mm_hashes: { image: ['a'] },
        mm_placeholders: { image: [{ offset: 0, length: 2 }] },
        kwargs_data: { image: ['AA=='] },
      },
    },
  },
  { path: '/v1/chat/completions/render', streams: false, body: { ...shared, ...sampling, messages, tools } },
  { path: '/v1/completions/render', streams: false, body: { ...shared, ...sampling, prompt: ['Hello', 'world'] } },
  {
    path: '/v1/chat/completions/derender',
    streams: false,
    body: { model: 'my-model', generate_response: generated, prompt_tokens: 2 },
  },
  {
    path: '/v1/chat/completions/derender',
    streams: false,
    body: {
      model: 'my-model',
      stream: true,
      generate_chunk: generated,
      stream_state: { role_sent: true, recent_token_ids: [1] },
    },
  },
  {
    path: '/v1/completions/derender',
    streams: false,
    body: { model: 'my-model', generate_responses: [generated, generated], prompt_tokens: [2, 2] },
  },
  {
    path: '/v1/embeddings',
    streams: false,
    body: { model: 'my-model', input: ['Hello', 'world'], dimensions: 8, encoding_format: 'base64' },
  },
  { path: '/tokenize', streams: false, body: { model: 'my-model', messages, return_token_strs: true } },
  { path: '/tokenize', streams: false, body: { model: 'my-model', prompt: 'Hello', add_special_tokens: false } },
  { path: '/detokenize', streams: false, body: { model: 'my-model', tokens: [1, 2] } },
]
