import { expect, test } from 'vitest'
import { toChatRender } from './conversation.ts'
import { decodeChat } from './wire.ts'

const render = (body: object) => toChatRender(decodeChat({ messages: [], ...body }))

test('an effort tells the template whether to think', () => {
  expect(render({}).chatTemplateKwargs).toBeUndefined()
  expect(render({ chat_template_kwargs: { a: 1 } }).chatTemplateKwargs).toEqual({ a: 1 })
  expect(render({ reasoning_effort: 'none' }).chatTemplateKwargs).toEqual({
    enable_thinking: false,
    reasoning_effort: 'none',
  })
  expect(
    render({ reasoning_effort: 'low', chat_template_kwargs: { enable_thinking: false } }).chatTemplateKwargs,
  ).toEqual({
    enable_thinking: false,
    reasoning_effort: 'low',
  })
})

test('earlier calls, reasoning and names reach the template', () => {
  const messages = [
    {
      role: 'assistant',
      content: null,
      reasoning_content: 'hm',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', name: 'f', content: 'ok' },
  ]
  expect(render({ messages, tools: [] }).messages).toEqual([
    { role: 'assistant', content: null, reasoning: 'hm', toolCalls: [{ id: 'c1', name: 'f', arguments: '{"a":1}' }] },
    { role: 'tool', content: 'ok', toolCallId: 'c1', name: 'f' },
  ])
})

test.each([
  [{ tools: {} }, '`tools` must be an array'],
  [{ tools: [1] }, '`tools[0]` must be an object'],
  [{ logprobs: 1 }, '`logprobs` must be a boolean'],
  [{ parallel_tool_calls: 'yes' }, '`parallel_tool_calls` must be a boolean'],
  [{ structured_outputs: { choice: 'a' } }, '`structured_outputs.choice` must be an array'],
  [{ messages: [{ role: 1 }] }, '`messages[0].role` must be a string'],
])('%j is refused', (body, detail) => {
  expect(() => decodeChat(body)).toThrow(`Failed to read and parse request body, ${detail}`)
})
