/** The two conversations that the reference's valid fixture is made from. */
export const fixtureConversations = [
  {
    id: 'one',
    conversations: [
      { from: 'human', value: '1, 2, 3, 4, 5, 6, 7, 8, 9, 10' },
      { from: 'gpt', value: 'Hello human!' },
    ],
  },
  {
    id: 'two',
    conversations: [
      { from: 'human', value: 'Hello world!' },
      { from: 'gpt', value: 'this is assistant long response, it should contain at least 10 tokens' },
      { from: 'human', value: 'Hello world again' },
      { from: 'gpt', value: 'short response' },
    ],
  },
]

/** Many small conversations, all different. */
export function manyConversations(count: number): unknown[] {
  return Array.from({ length: count }, (_, i) => ({
    conversations: [
      { from: 'human', value: `question ${i}` },
      { from: 'gpt', value: `answer <${i}> & more` },
    ],
  }))
}
