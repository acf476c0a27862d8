import { expect, test } from 'vitest'
import { readConversation } from './conversation.ts'

const turns = [
  { role: 'user', text: 'q' },
  { role: 'assistant', text: 'a' },
]

test.each([
  {
    id: 'x',
    conversations: [
      { from: 'human', value: 'q' },
      { from: 'gpt', value: 'a', extra: 1 },
    ],
  },
  {
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
    ],
  },
  { conversation: '[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]' },
  { conversations: { from: ['human', 'gpt'], value: ['q', 'a'] } },
])('%j', record => {
  expect(readConversation(record)).toEqual({ turns })
})

test('missing strings are empty, unknown roles stay recognisable, half characters are replaced', () => {
  expect(
    readConversation({ conversations: [{ from: 'gpt', value: null }, { from: 'tool', value: '\ud83d' }, {}] }),
  ).toEqual({
    turns: [
      { role: 'assistant', text: '' },
      { role: 'other', text: '\ufffd' },
      { role: 'other', text: '' },
    ],
  })
})

test.each([
  [7, 'it is not an object'],
  [[], 'it is not an object'],
  [{}, 'it has none of conversations, messages, conversation'],
  [{ conversations: null }, 'it has none of'],
  [{ conversations: 'hello' }, 'conversations is not a list'],
  [{ messages: [7] }, 'messages[0] is not an object'],
  [{ messages: [{ role: 1 }] }, 'the role of messages[0] is not a string'],
  [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'the text of messages[0] is not a string'],
  [{ messages: [{ role: 'constructor', content: {} }] }, 'the text of messages[0] is not a string'],
])('%j is no conversation', (record, problem) => {
  expect(readConversation(record)).toEqual({ problem: expect.stringContaining(problem) })
})
