import { Ajv } from 'ajv'

// JSON Schemas of OpenAI's chat completion and text completion objects, written from the official client's types, with
// the members that vLLM and the reference add. Nothing else may be there: `additionalProperties` is false throughout.

type Schema = Readonly<Record<string, unknown>>

const string = { type: 'string' }
const integer = { type: 'integer', minimum: 0 }
const nullableString = { type: ['string', 'null'] }
const ids = { type: 'array', items: integer }

function record(required: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  }
}

function list(items: Schema, minItems = 0): Schema {
  return { type: 'array', items, minItems }
}

function orNull(schema: Schema): Schema {
  return { anyOf: [{ type: 'null' }, schema] }
}

const usage = record(
  { prompt_tokens: integer, completion_tokens: integer, total_tokens: integer },
  {
    prompt_tokens_details: record({ cached_tokens: integer }),
    completion_tokens_details: record({ reasoning_tokens: integer }),
  },
)

const logprob = { type: 'number', maximum: 0 }
const candidate = record({ token: string, logprob, bytes: orNull(ids) })
const chatLogprobs = record({
  content: list(record({ token: string, logprob, bytes: orNull(ids), top_logprobs: list(candidate) })),
  refusal: { type: 'null' },
})

const part = {
  anyOf: [
    record({ type: { const: 'text' }, text: string }),
    record({ type: { const: 'image_url' }, image_url: record({ url: string }) }),
  ],
}
/** Text, or for omni models a list of parts. */
const content = { anyOf: [nullableString, list(part, 1)] }

const transfer = record({
  do_remote_decode: { const: false },
  do_remote_prefill: { const: true },
  remote_engine_id: string,
  remote_block_ids: list(string),
  remote_host: string,
  remote_port: integer,
  tp_size: integer,
})

const reasons = ['stop', 'length', 'tool_calls', 'remote_decode', 'cache_threshold']
const stopReason = { type: ['string', 'integer', 'null'] }
const promptLogprobs = list(
  orNull({
    type: 'object',
    additionalProperties: record({ logprob, rank: { type: 'integer', minimum: 1 }, decoded_token: string }),
  }),
)

const toolCall = record({
  id: string,
  type: { const: 'function' },
  index: integer,
  function: record({ name: string, arguments: string }),
})

const chatCompletion = record(
  {
    id: { type: 'string', pattern: '^chatcmpl-' },
    object: { const: 'chat.completion' },
    created: integer,
    model: string,
    choices: list(
      record(
        {
          index: integer,
          message: record(
            { role: string, content, refusal: { type: 'null' } },
            { reasoning_content: string, reasoning: string, tool_calls: list(toolCall, 1) },
          ),
          logprobs: orNull(chatLogprobs),
          finish_reason: { enum: reasons },
          stop_reason: stopReason,
        },
        { token_ids: ids },
      ),
      1,
    ),
    service_tier: { type: 'null' },
    usage,
  },
  {
    kv_transfer_params: transfer,
    ec_transfer_params: { type: 'object' },
    prompt_logprobs: promptLogprobs,
    prompt_token_ids: ids,
    prompt_text: string,
  },
)

const toolDelta = record({
  index: integer,
  id: string,
  type: { const: 'function' },
  function: record({ name: nullableString, arguments: string }),
})

const chatChunk = record(
  {
    id: { type: 'string', pattern: '^chatcmpl-' },
    object: { const: 'chat.completion.chunk' },
    created: integer,
    model: string,
    usage: orNull(usage),
    choices: {
      type: 'array',
      maxItems: 1,
      items: record(
        {
          index: integer,
          delta: record(
            {},
            { role: string, content, reasoning_content: string, reasoning: string, tool_calls: list(toolDelta, 1) },
          ),
          logprobs: orNull(chatLogprobs),
          finish_reason: { enum: [...reasons, null] },
        },
        { stop_reason: stopReason, token_ids: ids },
      ),
    },
  },
  { modality: { const: 'image' }, prompt_token_ids: ids, prompt_text: string },
)

const textLogprobs = record({
  text_offset: list(integer),
  token_logprobs: list(orNull(logprob)),
  tokens: list(string),
  top_logprobs: list(orNull({ type: 'object', additionalProperties: logprob })),
})

const textChoice = (reason: Schema): Schema =>
  record(
    { index: integer, text: string, logprobs: orNull(textLogprobs), finish_reason: reason },
    { stop_reason: stopReason, token_ids: ids, prompt_token_ids: ids, prompt_logprobs: promptLogprobs },
  )

const textCompletion = record(
  {
    id: { type: 'string', pattern: '^cmpl-.*-0$' },
    object: { const: 'text_completion' },
    created: integer,
    model: string,
    choices: list(textChoice({ enum: reasons }), 1),
    service_tier: { type: 'null' },
    usage,
  },
  { kv_transfer_params: transfer },
)

const textChunk = record({
  id: { type: 'string', pattern: '^cmpl-.*-0$' },
  object: { const: 'text_completion' },
  created: integer,
  model: string,
  usage: orNull(usage),
  choices: { type: 'array', maxItems: 1, items: textChoice({ enum: [...reasons, null] }) },
})

const ajv = new Ajv({ strict: false, allErrors: true })

function check(schema: Schema): (value: unknown) => void {
  const validate = ajv.compile(schema)
  return value => {
    if (validate(value)) return
    const problems = validate.errors!.map(
      error => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
    )
    throw new Error(`${problems.join('\n')}\nin ${JSON.stringify(value)}`)
  }
}

/** Throw when a value is not what the name says. */
export const shapes = {
  chatCompletion: check(chatCompletion),
  chatChunk: check(chatChunk),
  textCompletion: check(textCompletion),
  textChunk: check(textChunk),
}
