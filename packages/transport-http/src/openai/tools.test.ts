import { expect, test } from 'vitest'
import { readToolChoice } from './tools.ts'

const tools = [{ type: 'function', function: { name: 'a' } }, { type: 'function', name: 'b' }, 'junk']

test.each([
  [undefined, { mode: 'auto' }],
  [null, { mode: 'auto' }],
  ['auto', { mode: 'auto' }],
  ['validated', { mode: 'auto' }],
  ['none', { mode: 'none' }],
  ['required', { mode: 'required' }],
  [
    { type: 'function', function: { name: 'f' } },
    { mode: 'named', name: 'f' },
  ],
  [
    { type: 'function', name: 'f' },
    { mode: 'named', name: 'f' },
  ],
  [{ type: 'custom', custom: { name: 'c' } }, { mode: 'auto' }],
  [
    { type: 'allowed_tools', allowed_tools: { mode: 'required', tools } },
    { mode: 'allowed', required: true, names: ['a', 'b'] },
  ],
  [
    { type: 'allowed_tools', mode: 'auto', tools },
    { mode: 'allowed', required: false, names: ['a', 'b'] },
  ],
  [{ type: 'allowed_tools' }, { mode: 'allowed', required: false, names: [] }],
])('%j', (value, expected) => {
  const choice = readToolChoice(value)
  expect(choice).toEqual(expected)
})

test.each([
  [{ type: 'function' }, 'tool_choice function requires a name'],
  [{ type: 'function', function: { name: '' } }, 'tool_choice function requires a name'],
  [{ type: 'x' }, 'unknown ToolChoice type: x'],
  [{}, 'unknown ToolChoice type: '],
  [7, '`tool_choice` must be a string or an object'],
])('%j is refused', (value, detail) => {
  expect(() => readToolChoice(value)).toThrow(`Failed to read and parse request body, ${detail}`)
})
