import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { expect, test, vi } from 'vitest'
import { withTemplateDefaults } from './template-defaults.ts'

test('values of the request win over the defaults', async () => {
  const tokenizer = new SimulatedTokenizer()
  const seen = vi.spyOn(tokenizer, 'encodeChat')
  const messages = [{ role: 'user', content: 'hi' }]
  const { ids } = await tokenizer.encodeChat({ messages })
  const wrapped = withTemplateDefaults(tokenizer, { enable_thinking: false, style: 'a' })
  expect((await wrapped.encodeChat({ messages, chatTemplateKwargs: { style: 'b' } })).ids).toEqual(ids)
  expect(seen.mock.lastCall![0].chatTemplateKwargs).toEqual({ enable_thinking: false, style: 'b' })
  expect(withTemplateDefaults(tokenizer, undefined)).toBe(tokenizer)
})
