import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { HumanMessage } from '@langchain/core/messages'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { APICallError, embedMany, generateText, Output, stepCountIs, streamText, tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { contractServer } from './contract-server.ts'

// Frameworks on top of the protocols; the official clients are tested in transport-http.

const server = contractServer(['--seed', '9', '--max-num-seqs', '64'])

const prompt = 'What is the weather in Paris?'
const weather = z.object({ city: z.string(), celsius: z.number(), wind: z.enum(['none', 'some']) })

describe('the ai SDK', () => {
  const model = () =>
    createOpenAICompatible({
      name: 'vllm',
      baseURL: `${server.url}/v1`,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })('m')
  const failing = (status: number) =>
    createOpenAICompatible({
      name: 'vllm',
      baseURL: `${server.url}/v1`,
      headers: { 'X-Return-Error': String(status) },
    })('m')

  test('generateText and streamText give the same answer', async () => {
    const settings = { model: model(), prompt, maxOutputTokens: 30, seed: 4 }
    const whole = await generateText(settings)
    expect(whole.text).not.toBe('')
    expect(['stop', 'length']).toContain(whole.finishReason)
    expect(whole.usage.outputTokens).toBeGreaterThan(0)
    const streamed = streamText(settings)
    let text = ''
    for await (const piece of streamed.textStream) text += piece
    expect(text).toBe(whole.text)
    expect(await streamed.finishReason).toBe(whole.finishReason)
    expect(await streamed.usage).toMatchObject({ outputTokens: whole.usage.outputTokens })
  })

  test('tools run until there is text', async () => {
    const asked: string[] = []
    const settings = {
      model: model(),
      prompt,
      stopWhen: stepCountIs(30),
      tools: {
        weather: tool({
          description: 'The weather of a place',
          inputSchema: weather,
          execute: async ({ city }: z.infer<typeof weather>) => {
            asked.push(city)
            return 'sunny'
          },
        }),
      },
    }
    for (let seed = 0; seed < 5; seed++) expect((await generateText({ ...settings, seed })).text).not.toBe('')
    for (let seed = 5; seed < 10; seed++) {
      const streamed = streamText({ ...settings, seed })
      await streamed.consumeStream()
      expect(await streamed.text).not.toBe('')
    }
    expect(asked.length).toBeGreaterThan(0)
    for (const choice of ['required', { type: 'tool', toolName: 'weather' }] as const) {
      const { toolCalls, finishReason } = await generateText({
        ...settings,
        toolChoice: choice,
        stopWhen: stepCountIs(1),
      })
      expect(finishReason).toBe('tool-calls')
      expect(weather.safeParse(toolCalls[0]!.input).success).toBe(true)
    }
  })

  test('objects fit their schema, whole and streamed', async () => {
    const output = Output.object({ schema: weather })
    for (let seed = 0; seed < 5; seed++) {
      const whole = await generateText({ model: model(), prompt, output, seed })
      expect(weather.parse(whole.output)).toEqual(whole.output)
      const streamed = streamText({ model: model(), prompt, output, seed })
      let last: unknown
      for await (const partial of streamed.partialOutputStream) last = partial
      expect(last).toEqual(await streamed.output)
      expect(last).toEqual(whole.output)
    }
    const colour = await generateText({ model: model(), prompt, output: Output.choice({ options: ['red', 'green'] }) })
    expect(['red', 'green']).toContain(colour.output)
    const list = await generateText({ model: model(), prompt, output: Output.array({ element: weather }) })
    expect(z.array(weather).safeParse(list.output).success).toBe(true)
  })

  test('reasoning is kept apart', async () => {
    const { reasoningText, text } = await generateText({
      model: model(),
      prompt,
      providerOptions: { vllm: { chat_template_kwargs: { enable_thinking: true } } },
    })
    expect(reasoningText).not.toBe('')
    expect(text).not.toBe('')
  })

  test('embeddings', async () => {
    const embedding = createOpenAICompatible({ name: 'vllm', baseURL: `${server.url}/v1` }).embeddingModel('m')
    const { embeddings } = await embedMany({ model: embedding, values: ['a', 'b c'] })
    expect(embeddings.map(one => one.length)).toEqual([384, 384])
  })

  test('errors say whether another try may help', async () => {
    for (const [status, again] of [
      [400, false],
      [401, false],
      [404, false],
      [429, true],
      [503, true],
    ] as const) {
      const error = await generateText({ model: failing(status), prompt, maxRetries: 0 }).catch(error => error)
      expect(APICallError.isInstance(error)).toBe(true)
      expect([error.statusCode, error.isRetryable]).toEqual([status, again])
      expect(error.message).toBe(`Simulated error triggered by X-Return-Error header (code ${status})`)
    }
  })
})

describe('LangChain', () => {
  const settings = () => ({ model: 'm', apiKey: 'none', maxRetries: 0, configuration: { baseURL: `${server.url}/v1` } })
  const tools = [
    {
      type: 'function',
      function: { name: 'weather', description: 'w', parameters: z.toJSONSchema(weather) },
    },
  ]

  test('invoke and stream', async () => {
    const chat = new ChatOpenAI({ ...settings(), modelKwargs: { seed: 3 } })
    const answer = await chat.invoke([new HumanMessage(prompt)])
    expect(answer.text).not.toBe('')
    expect(answer.usage_metadata).toMatchObject({ total_tokens: expect.any(Number) })
    let text = ''
    for await (const piece of await chat.stream([new HumanMessage(prompt)])) text += piece.text
    expect(text).toBe(answer.text)
  })

  test('tools and structured output', async () => {
    const bound = new ChatOpenAI(settings()).bindTools(tools, { tool_choice: 'required' })
    expect(weather.safeParse((await bound.invoke(prompt)).tool_calls![0]!.args).success).toBe(true)
    let all: Awaited<ReturnType<typeof bound.invoke>> | undefined
    for await (const piece of await bound.stream(prompt)) all = all ? all.concat(piece) : piece
    expect(weather.safeParse(all!.tool_calls![0]!.args).success).toBe(true)
    for (const method of ['functionCalling', 'jsonSchema'] as const) {
      const structured = new ChatOpenAI(settings()).withStructuredOutput(weather, { method })
      expect(weather.safeParse(await structured.invoke(prompt)).success).toBe(true)
    }
  })

  test('the responses API', async () => {
    const chat = new ChatOpenAI({ ...settings(), useResponsesApi: true })
    expect((await chat.invoke(prompt)).text).not.toBe('')
    let text = ''
    for await (const piece of await chat.stream(prompt)) text += piece.text
    expect(text).not.toBe('')
  })

  test('embeddings and errors', async () => {
    const embeddings = new OpenAIEmbeddings({ ...settings(), dimensions: 8 })
    expect((await embeddings.embedDocuments(['a', 'b c'])).map(one => one.length)).toEqual([8, 8])
    await expect(new ChatOpenAI({ ...settings(), model: 'none' }).invoke(prompt)).rejects.toMatchObject({ status: 404 })
  })
})

describe('the ai SDK on the Messages API', () => {
  const model = () => createAnthropic({ baseURL: `${server.url}/v1`, apiKey: 'none' })('m')

  test('generateText and streamText give the same answer', async () => {
    const settings = { model: model(), prompt, maxOutputTokens: 30 }
    const whole = await generateText(settings)
    expect(whole.text).not.toBe('')
    expect(whole.usage).toMatchObject({ inputTokens: expect.any(Number), outputTokens: expect.any(Number) })
    const streamed = streamText(settings)
    let text = ''
    for await (const piece of streamed.textStream) text += piece
    expect(text).not.toBe('')
    expect(['stop', 'length']).toContain(await streamed.finishReason)
  })

  test('a forced tool runs with arguments of its schema', async () => {
    const asked: string[] = []
    const { toolCalls } = await generateText({
      model: model(),
      prompt,
      maxOutputTokens: 200,
      toolChoice: 'required',
      tools: {
        weather: tool({
          description: 'The weather of a place',
          inputSchema: weather,
          execute: async ({ city }: z.infer<typeof weather>) => {
            asked.push(city)
            return 'sunny'
          },
        }),
      },
    })
    expect(toolCalls.length).toBeGreaterThan(0)
    expect(asked).toHaveLength(toolCalls.length)
  })

  test('an error has its status and its message', async () => {
    const failing = createAnthropic({
      baseURL: `${server.url}/v1`,
      apiKey: 'none',
      headers: { 'X-Return-Error': '429' },
    })('m')
    const error = await generateText({ model: failing, prompt, maxRetries: 0 }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(APICallError)
    expect(error).toMatchObject({ statusCode: 429, message: expect.stringContaining('X-Return-Error') })
  })
})
