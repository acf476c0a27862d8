import { type ChatRender, SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { expect, test, vi } from 'vitest'
import { withTemplatePolicy } from './template-policy.ts'

const messages = [{ role: 'user', content: 'hi' }]

test('values of the request win over the defaults', async () => {
  const tokenizer = new SimulatedTokenizer()
  const seen = vi.spyOn(tokenizer, 'encodeChat')
  const { ids } = tokenizer.encodeChat({ messages })
  const wrapped = withTemplatePolicy(tokenizer, { defaults: { enable_thinking: false, style: 'a' }, trusted: false })
  expect((await wrapped.encodeChat({ messages, chatTemplateKwargs: { style: 'b' } })).ids).toEqual(ids)
  expect(seen.mock.lastCall![0].chatTemplateKwargs).toEqual({ enable_thinking: false, style: 'b' })
})

test.each<Partial<ChatRender>>([{ chatTemplate: 'x' }, { chatTemplateKwargs: { chat_template: 'x' } }])(
  'a template of a request is refused unless it is trusted: %j',
  chat => {
    const refusing = withTemplatePolicy(new SimulatedTokenizer(), { defaults: undefined, trusted: false })
    expect(() => refusing.encodeChat({ messages, ...chat })).toThrow('Refused request with untrusted chat template.')
    expect(() => refusing.encodeChat({ messages })).not.toThrow()
    const trusting = withTemplatePolicy(new SimulatedTokenizer(), { defaults: undefined, trusted: true })
    expect(() => trusting.encodeChat({ messages, ...chat })).not.toThrow()
  },
)

test('the tokenizer itself stays as it was, and its other members work', () => {
  const tokenizer = new SimulatedTokenizer()
  const wrapped = withTemplatePolicy(tokenizer, { defaults: undefined, trusted: false })
  expect(() => tokenizer.encodeChat({ messages, chatTemplate: 'x' })).not.toThrow()
  const { ids, pieces } = tokenizer.encodeOutput('a b')
  expect(wrapped.encodeOutput('a b')).toEqual({ ids, pieces })
  expect(wrapped.decode(ids)).toBe('a b')
  expect([wrapped.kind, wrapped.eosTokenIds]).toEqual([tokenizer.kind, tokenizer.eosTokenIds])
})
