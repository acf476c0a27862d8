import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GrpcClient } from '../testing/client.ts'
import { startServer, type TestServer } from '../testing/server.ts'

interface Response {
  readonly response: 'chunk' | 'complete'
  readonly chunk: {
    readonly token_ids: number[]
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly index: number
  }
  readonly complete: {
    readonly output_ids: number[]
    readonly finish_reason: string
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly index: number
  }
}

let server: TestServer
let client: GrpcClient

beforeAll(async () => {
  server = await startServer()
  client = new GrpcClient(server.address)
})

afterAll(async () => {
  client.close()
  await server.close()
})

const tokenized = { input_ids: [32, 45, 78, 13], original_text: '' }

test('a whole answer is one message with all ids', async () => {
  const { messages, error } = await client.messages<Response>('Generate', {
    request_id: 'a',
    tokenized,
    sampling_params: { max_tokens: 7, ignore_eos: true },
  })
  expect(error).toBeUndefined()
  expect(messages).toHaveLength(1)
  expect(messages[0]!.complete).toMatchObject({ finish_reason: 'length', prompt_tokens: 4, completion_tokens: 7 })
  expect(messages[0]!.complete.output_ids).toHaveLength(7)
})

test('a stream has a chunk per token, and its end no ids', async () => {
  const request = {
    request_id: 'a',
    tokenized,
    sampling_params: { max_tokens: 7, ignore_eos: true, n: 2 },
    stream: true,
  }
  const { messages, error } = await client.messages<Response>('Generate', request)
  expect(error).toBeUndefined()
  const chunks = messages.filter(message => message.response === 'chunk').map(message => message.chunk)
  expect(chunks).toHaveLength(14)
  for (const chunk of chunks) expect(chunk).toMatchObject({ prompt_tokens: 4, completion_tokens: 1 })
  const ends = messages.filter(message => message.response === 'complete').map(message => message.complete)
  expect(ends.map(end => end.index).sort()).toEqual([0, 1])
  for (const end of ends) expect(end).toMatchObject({ output_ids: [], completion_tokens: 0, finish_reason: 'length' })
  // The same request again, whole, and for the second time: other text, but with a seed the same as streamed.
  const seeded = { ...request, sampling_params: { ...request.sampling_params, n: 1, seed: 5 } }
  const streamed = await client.messages<Response>('Generate', seeded)
  const whole = await client.messages<Response>('Generate', { ...seeded, stream: false })
  const ids = streamed.messages.filter(one => one.response === 'chunk').flatMap(one => one.chunk.token_ids)
  expect(whole.messages[0]!.complete.output_ids).toEqual(ids)
})

test('bad input gets the texts of HTTP as INVALID_ARGUMENT', async () => {
  const failing = async (request: object) => (await client.messages('Generate', { tokenized, ...request })).error
  expect(await failing({ sampling_params: { max_tokens: 0 } })).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: 'Max completion tokens and max tokens should be positive',
  })
  expect(await failing({ sampling_params: { max_tokens: 2000 } })).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining("This model's maximum context length is 1024 tokens"),
  })
  expect(await failing({ sampling_params: { n: 100_000 } })).toMatchObject({ code: status.INVALID_ARGUMENT })
  expect(await failing({ kv_transfer_params_json: '[]' })).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: 'kv_transfer_params_json must be a JSON object',
  })
  expect(await failing({ kv_transfer_params: { remote_host: '', remote_port: 1 } })).toMatchObject({
    details: expect.stringMatching(/^Invalid kv_transfer_params: /),
  })
  expect(await failing({ data_parallel_rank: 3 })).toMatchObject({ code: status.INVALID_ARGUMENT })
})

test.each([
  { json_schema: '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}' },
  { regex: '[ab]{3}' },
  { grammar: 'root ::= "yes" | "no"' },
  { json_object: true },
  { choice: { choices: ['left', 'right'] } },
])('%j has its effect', async constraint => {
  const sampling = { max_tokens: 100, ...constraint }
  const { messages, error } = await client.messages<Response>('Generate', { tokenized, sampling_params: sampling })
  expect(error).toBeUndefined()
  const detokenizer = server.context.tokenizer.detokenizer()
  const text = messages[0]!.complete.output_ids.map(id => detokenizer.push(id)).join('') + detokenizer.flush()
  if ('choice' in constraint) expect(['left', 'right']).toContain(text)
  else if ('regex' in constraint) expect(text).toMatch(/^[ab]{3}$/)
  else if ('grammar' in constraint) expect(text).toMatch(/^(yes|no)$/)
  else expect(typeof JSON.parse(text)).toBe('object')
})

test('a constraint that cannot be read is INVALID_ARGUMENT', async () => {
  for (const constraint of [
    { json_schema: '{' },
    { regex: '(' },
    { structural_tag: '{}' },
    { choice: { choices: [] } },
  ]) {
    const { error } = await client.messages('Generate', { tokenized, sampling_params: constraint })
    expect(error?.code).toBe(status.INVALID_ARGUMENT)
  }
})

test('logprobs of generated tokens and of the prompt, and prompts that are cut', async () => {
  const sampling = { max_tokens: 3, ignore_eos: true, logprobs: 2, prompt_logprobs: 1, truncate_prompt_tokens: 2 }
  const request = { tokenized, sampling_params: sampling, stream: true }
  const { messages, error } = await client.messages<Response & { chunk: Record<string, never> }>('Generate', request)
  expect(error).toBeUndefined()
  expect(messages).toHaveLength(4)
  const [first, second] = messages.map(message => message.chunk)
  expect(first).toMatchObject({
    prompt_tokens: 2,
    output_logprobs: { token_logprobs: [-1], top_logprobs: [{ values: [-1, -1.5] }] },
    input_logprobs: { token_ids: [78, 13], token_logprobs: [{}, { value: expect.closeTo(-1.1, 5) }] },
  })
  expect(second!['input_logprobs']).toBeNull()
})

test('a stop string ends the answer and is told', async () => {
  const sampling = { max_tokens: 50, choice: { choices: ['one two three'] }, stop: ['two'] }
  const { messages } = await client.messages<Response>('Generate', { tokenized, sampling_params: sampling })
  expect(messages[0]!.complete).toMatchObject({ finish_reason: 'stop', matched_stop_str: 'two' })
})
