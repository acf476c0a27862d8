import { bool, choice, duration, group, int, jsonObject, option, optional, pair, text } from '@vllm-sim/config'

export const output = group('Responses', {
  'response-role': option(text, { default: 'assistant', help: 'Role of the messages in chat responses' }),
  'return-tokens-as-token-ids': option(pair, {
    default: false,
    help: 'Show tokens in logprobs as "token_id:N" for every request',
  }),
  'max-logprobs': option(int, {
    default: 20,
    min: -1,
    help: 'Largest number of logprobs that a request may ask for, -1 for no limit',
  }),
  'enable-prompt-tokens-details': option(pair, {
    default: false,
    help: 'Report cached prompt tokens in prompt_tokens_details of usage; this is always done',
  }),
  'enable-force-include-usage': option(pair, {
    default: false,
    help: 'Send usage at the end of every stream, also when the request did not ask',
  }),
  'reasoning-parser': option(text, {
    default: '',
    help: 'Name of a reasoning parser of vLLM: chat responses then begin with reasoning, in a field of its own',
  }),
  'reasoning-rate': option(int, {
    default: 100,
    min: 0,
    max: 100,
    live: 'other',
    help: 'Percentage of the requests with reasoning enabled that get any',
  }),
  'reasoning-max-tokens': option(int, {
    default: 20,
    min: 1,
    live: 'other',
    help: 'Most reasoning tokens of a response that has reasoning',
  }),
  'default-chat-template-kwargs': optional(jsonObject, {
    help: 'Values handed to every chat template unless the request sets them',
  }),
  'default-embedding-dimensions': option(int, {
    default: 384,
    min: 1,
    error: 'default embedding dimensions must be at least 1',
    shown: true,
    help: 'Length of the vectors of /v1/embeddings',
  }),
  'max-embedding-dimensions': option(int, {
    default: 8192,
    min: 1,
    max: 65_536,
    help: 'Width of the model: the longest vectors that a request to /v1/embeddings may ask for',
  }),
  'mm-encoder-only': option(pair, {
    default: false,
    shown: true,
    help: 'Act as a multimodal encoder: no embeddings, no KV cache, answers are "!"',
  }),
  omni: option(pair, { default: false, shown: true, help: 'Enable synthetic image output' }),
  'image-emission-rate': option(int, {
    default: 0,
    min: 0,
    max: 100,
    error: 'image emission rate should be between 0 and 100',
    live: 'other',
    shown: true,
    help: 'Percentage of chat requests that get an image in omni mode',
  }),
  'time-to-generate-image': option(duration, {
    default: 0,
    min: 0,
    error: 'time to generate image cannot be negative',
    live: 'other',
    shown: true,
    help: 'Time that an image takes in omni mode',
  }),
  'time-to-generate-image-std-dev': option(duration, {
    default: 0,
    min: 0,
    error: 'time to generate image standard deviation cannot be negative',
    live: 'other',
    shown: true,
    help: 'Standard deviation of the image time, at most 30 % of it',
  }),
  'anthropic-errors': option(bool, {
    default: true,
    help: 'Errors of /v1/messages in Anthropic’s own form; false: in OpenAI’s',
  }),
  'metrics-labels': option(choice('reference', 'vllm'), {
    default: 'reference',
    oneOf: ['reference', 'vllm'],
    help: 'Label sets of the metrics: those of llm-d-inference-sim or those of vLLM',
  }),
})
