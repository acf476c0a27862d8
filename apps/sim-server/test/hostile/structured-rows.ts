import type { Row } from './budget.ts'
import { post } from './client.ts'
import { chat, messages, times, tool } from './requests.ts'

const asking = (name: string, members: object): Row => {
  // Made here: an attack is ended after a second, and a busy machine may take longer for a body of megabytes.
  const body = JSON.stringify({ model: 'm', messages, ...members })
  return { name, attack: (target, signal) => post(target, chat, body, signal) }
}
const structured = (name: string, structured_outputs: object, more: object = {}): Row =>
  asking(name, { n: 1000, structured_outputs, ...more })
const called = (name: string, tools: object[], more: object = {}): Row =>
  asking(name, { tools, tool_choice: 'required', ...more })

const list = (items: object): object => ({ json: { type: 'array', minItems: 999, items } })
const members = <T>(count: number, make: (index: number) => T): Record<string, T> =>
  Object.fromEntries(times(count, i => [`p${i}`, make(i)]))
const megabytes = { choice: ['a'.repeat(1_000_000), 'b'.repeat(1_000_000)] }

/** What structured output and tools can be asked for. */
export const structuredRows: readonly Row[] = [
  structured('a thousand choices of arrays of long strings, streamed', list({ type: 'string', minLength: 100_000 }), {
    stream: true,
  }),
  structured('a hundred choices of gigabytes of a const', list({ const: 'x'.repeat(3_000_000) }), { n: 100 }),
  structured('a thousand choices of gigabytes of a const, streamed', list({ const: 'x'.repeat(3_000_000) }), {
    stream: true,
  }),
  structured('a thousand choices of a thousand integers', list({ type: 'integer' })),
  structured('a thousand choices of a megabyte', megabytes),
  structured('a thousand choices of a megabyte, streamed', megabytes, { stream: true }),
  structured('a thousand long choices by a pattern', { regex: '(a|b){4096}' }),
  structured('a pattern that asks at every word', { regex: '(\\b\\w+\\b ){60}' }),
  structured('rules that double in two ways', {
    grammar: [
      'root ::= a0 | "x"',
      ...times(22, i => `a${i} ::= (a${i + 1} a${i + 1}) | (a${i + 1} a${i + 1} a${i + 1})`),
      'a22 ::= "xy"',
    ].join('\n'),
  }),
  called(
    'three hundred tools of thirty conditions about members',
    times(300, i =>
      tool(`f${i}`, {
        allOf: times(30, j => ({ if: { required: [`k${i} ${j}`] }, else: { properties: { z: { type: 'integer' } } } })),
      }),
    ),
  ),
  called(
    'thirty-seven tools of two thousand simple patterns',
    times(37, i =>
      tool(`f${i}`, {
        patternProperties: Object.fromEntries(times(2000, j => [`^x${i}y${j}[a-z]+$`, { type: 'integer' }])),
        required: times(20, j => `x${i}y${j}abc`),
      }),
    ),
  ),
  called(
    'three thousand members that need each other',
    [
      tool('f', {
        dependentRequired: members(3000, i => times(100, j => `p${(i + j) % 3000}`)),
        properties: members(3000, () => ({})),
      }),
    ],
    { n: 100 },
  ),
  called('a hundred thousand members', [tool('f', { properties: members(100_000, () => ({ type: 'null' })) })]),
  called('three thousand required levels', [
    tool(
      'f',
      times(3000, () => 0).reduce<object>(a => ({ type: 'object', properties: { a }, required: ['a'] }), {}),
    ),
  ]),
  called(
    'a thousand calls of long arguments',
    [tool('f', { properties: { a: { type: 'string', minLength: 8000 } }, required: ['a'] })],
    { n: 1000 },
  ),
]
