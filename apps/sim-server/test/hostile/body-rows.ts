import type { Row } from './budget.ts'
import { post } from './client.ts'
import { chat, messages, times, tool } from './requests.ts'

/** Characters of a body: nearly as many as a server with default options takes. */
const most = 4_000_000

const sent = (name: string, path: string, body: object | string): Row => {
  // Made here: an attack is ended after a second, and a busy machine may take longer for a body of megabytes.
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { name, attack: (target, signal) => post(target, path, text, signal) }
}

/** An object of as many members as fit, each of another name. */
const members = `{${times(300_000, i => `"${i.toString(36)}":0`).join()}}`
const ask = { model: 'm', messages }

/** Single bodies of megabytes that take long to be read. */
export const bodyRows: readonly Row[] = [
  sent('a body of three hundred thousand members', chat, members),
  sent('an update of three hundred thousand members', '/admin/config', members),
  sent('an update of brackets', '/admin/config', '['.repeat(most / 2) + ']'.repeat(most / 2)),
  sent('two hundred thousand reasons to finish', '/admin/config', {
    'fake-metrics': { 'request-success-total': Object.fromEntries(times(200_000, i => [`k${i}`, 1])) },
  }),
  sent('forty thousand tools', chat, { ...ask, tools: times(40_000, () => tool('f', {})), tool_choice: 'required' }),
  sent('a choice of four hundred thousand', chat, {
    ...ask,
    structured_outputs: { choice: times(400_000, i => i.toString(36)) },
  }),
  sent('a choice of a million nothings', chat, { ...ask, structured_outputs: { choice: times(1_300_000, () => '') } }),
  sent('a million ids to be decoded', '/detokenize', { tokens: times(1_900_000, i => i % 10) }),
  sent('a word of megabytes with twenty candidates', chat, {
    ...ask,
    n: 100,
    logprobs: true,
    top_logprobs: 20,
    stream: true,
    structured_outputs: { choice: ['a'.repeat(most - 1000)] },
  }),
]
