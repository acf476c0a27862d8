import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type TestServer } from '../../testing/server.ts'

const path = '/v1/embeddings'

interface Embedded {
  id: string
  object: 'list'
  model: string
  data: { object: 'embedding'; index: number; embedding: number[] & string }[]
  usage: { prompt_tokens: number; total_tokens: number }
}

let server: TestServer
beforeAll(async () => {
  server = await startServer({ settings: { podHeaders: { 'x-inference-pod': 'pod-1' } } })
})
afterAll(() => server.close())

const embed = (body: object): Promise<Embedded> => server.json<Embedded>(path, { model: 'my-model', ...body })

const errorOf = async (body: unknown): Promise<string> => {
  const response = await server.post(path, body)
  expect(response.status).toBe(400)
  return ((await response.json()) as { error: { message: string } }).error.message
}

test('values come from the token ids, in the shortest decimals that identify a 32-bit float', async () => {
  const response = await server.post(path, { model: 'any', input: [1, 2, 3], dimensions: 5 })
  expect(await response.json()).toEqual({
    id: expect.stringMatching(/^embd-/),
    object: 'list',
    created: expect.any(Number),
    model: 'any',
    data: [{ object: 'embedding', index: 0, embedding: [-0.9980469, -0.99609375, -0.9941406, -0.9921875, -0.984375] }],
    usage: { prompt_tokens: 3, total_tokens: 3 },
  })
  expect(response.headers.get('x-inference-pod')).toBe('pod-1')
})

test('base64 holds the same values', async () => {
  const { data } = await embed({ input: [1, 2, 3], dimensions: 4, encoding_format: 'base64' })
  expect(data[0]!.embedding).toBe('AIB/vwAAf78AgH6/AAB+vw==')
  const ids = [0, 1, 255, 256, 511, 512, 1023, 1024, 4294967295]
  const [float, base64] = await Promise.all(
    ['float', 'base64'].map(format => embed({ input: ids, dimensions: 40, encoding_format: format })),
  )
  const bytes = Buffer.from(base64!.data[0]!.embedding, 'base64')
  const values = Array.from({ length: 40 }, (_, at) => bytes.readFloatLE(at * 4))
  expect(float!.data[0]!.embedding.map(value => Math.fround(value))).toEqual(values)
  expect(values.slice(0, 9)).toEqual(ids.map(id => (2 * (id % 1024)) / 1024 - 1))
  expect(values.slice(9)).toEqual(Array.from({ length: 31 }, (_, at) => (2 * (ids[at % 9]! % 256)) / 256 - 1))
})

test('bytes are the raw values, described in a header', async () => {
  const response = await server.post(path, { input: [[1, 2, 3], [4]], dimensions: 4, encoding_format: 'bytes' })
  expect(response.headers.get('content-type')).toBe('application/octet-stream')
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(bytes).toHaveLength(32)
  expect(bytes.subarray(0, 16).toString('base64')).toBe('AIB/vwAAf78AgH6/AAB+vw==')
  expect(JSON.parse(response.headers.get('metadata')!)).toMatchObject({
    data: [
      { index: 0, start: 0, end: 16, shape: [4], embed_dtype: 'float32', endianness: 'little' },
      { index: 1, start: 16, end: 32 },
    ],
    usage: { prompt_tokens: 4, total_tokens: 4 },
  })
  const bare = await server.post(path, { input: 'a', model: 'é\n', dimensions: 2, encoding_format: 'bytes_only' })
  expect(bare.headers.has('metadata')).toBe(false)
  expect((await bare.arrayBuffer()).byteLength).toBe(8)
})

test('text, lists of text, ids and lists of ids', async () => {
  const hello = [2871118705, 933488787]
  const vector = async (input: unknown): Promise<unknown[]> =>
    (await embed({ input, dimensions: 3 })).data.map(one => one.embedding)
  const [expected] = await vector([hello])
  expect(await vector('Hello world')).toEqual([expected])
  expect(await vector(hello)).toEqual([expected])
  expect(await vector(['Hello world', 'Hello world'])).toEqual([expected, expected])
  expect(await vector([[], hello])).toEqual([[0, 0, 0], expected])
  const batch = await embed({ input: ['Hello world', 'Hello'] })
  expect(batch.data.map(one => one.index)).toEqual([0, 1])
  expect(batch.data[0]!.embedding).toHaveLength(384)
  expect(batch.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 })
})

test('odd numbers are bent into ids, as in the reference', async () => {
  const [odd, even] = await Promise.all(
    [
      [1.9, -3, 2, 1e300],
      [1, 0, 2, 4294967295],
    ].map(input => embed({ input, dimensions: 4 })),
  )
  expect(odd!.data[0]!.embedding).toEqual(even!.data[0]!.embedding)
})

test('a conversation', async () => {
  const { usage } = await embed({ messages: [{ role: 'user', content: 'q1' }], dimensions: 2 })
  expect(usage.prompt_tokens).toBe(6)
})

test('an answer of megabytes is made as it is read, in every format', async () => {
  const input = Array.from({ length: 200 }, (_, at) => [at, 1, 2])
  const [float, base64] = await Promise.all(
    ['float', 'base64'].map(format => embed({ input, dimensions: 2000, encoding_format: format })),
  )
  expect(float!.data).toHaveLength(200)
  const values = (text: string): number[] => {
    const bytes = Buffer.from(text, 'base64')
    return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4))
  }
  expect(float!.data.map(one => one.embedding.map(Math.fround))).toEqual(base64!.data.map(one => values(one.embedding)))
  const bytes = await server.post(path, { input, dimensions: 2000, encoding_format: 'bytes_only' })
  const all = Buffer.concat(base64!.data.map(one => Buffer.from(one.embedding, 'base64')))
  expect(Buffer.from(await bytes.arrayBuffer()).equals(all)).toBe(true)
})

test('settings give the default size, the width and the model', async () => {
  const own = await startServer({ settings: { embeddingDimensions: 7, embeddingWidth: 9 } })
  expect((await own.post(path, { input: 'a', dimensions: 10 })).status).toBe(400)
  const { data, model } = await own.json<Embedded>(path, { input: 'a' })
  expect(data[0]!.embedding).toHaveLength(7)
  expect(model).toBe('org/model')
  await own.close()
  const encoder = await startServer({ settings: { mmEncoderOnly: true } })
  expect((await encoder.post(path, { input: 'a' })).status).toBe(404)
  await encoder.close()
})

const required = 'input is required and must be a non-empty string or array'
test.each([
  [{}, required],
  [{ input: null }, required],
  [{ input: [] }, required],
  [{ input: true }, required],
  [{ input: 5 }, required],
  [{ input: { a: 1 } }, required],
  [{ input: ['a', 1] }, required],
  [{ input: [[1], 2] }, required],
  [{ input: [['a']] }, required],
  [{ input: '' }, 'input cannot be an empty string'],
  [{ input: ['a', ''] }, 'input cannot be an empty string'],
  [{ input: 'a', dimensions: 0 }, 'dimensions must be at least 1'],
  [{ input: 'a', dimensions: -4 }, 'dimensions must be at least 1'],
  [{ input: 'a', dimensions: '4' }, 'Failed to read and parse request body, `dimensions` must be an integer'],
  [{ input: 'a', dimensions: 8193 }, 'dimensions must be at most 8192 (max-embedding-dimensions), got 8193.'],
  [{ input: 'a', dimensions: 1e15 }, 'dimensions must be at most 8192'],
  [{ input: Array(1025).fill('a'), dimensions: 8192 }, 'more than the 8388608 values of one answer'],
  [{ input: Array(2049).fill('a'), dimensions: 1 }, 'input can have at most 2048 entries, got 2049.'],
  ['{', 'Failed to read and parse request body, '],
])('refuses %j', async (body, message) => {
  expect(await errorOf(body)).toContain(message)
})

test('the official client', async () => {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' })
  const { data } = await client.embeddings.create({ model: 'my-model', input: [[1, 2, 3]], dimensions: 3 })
  expect(data[0]!.embedding).toEqual([-0.998046875, -0.99609375, -0.994140625])
})
