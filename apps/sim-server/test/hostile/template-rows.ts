import type { Row } from './budget.ts'
import { post } from './client.ts'
import { chat, messages, times } from './requests.ts'

/** `count` chats at once, with a template of their own. */
const row = (name: string, chat_template: string, count = 1): Row => ({
  name,
  attack: (target, signal) =>
    Promise.all(times(count, () => post(target, chat, { model: 'm', messages, chat_template, max_tokens: 1 }, signal))),
})

const endless = '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}'

/** A text of two to the power of `doublings` characters, of two bytes each, and what is done with it. */
const growing = (doublings: number, write: string): string =>
  `{% set ns = namespace(s='\u5b57') %}{% for i in range(${doublings}) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}${write}`

const huge = growing(28, '{{ ns.s | upper | length }}')
const replaced = growing(20, `{{ "${'a'.repeat(500)}".replace("a", ns.s) | length }}`)

/** Templates that requests bring along. */
export const templateRows: readonly Row[] = [
  row('a template with a loop of a hundred million', '{% for i in range(100000000) %}{% endfor %}'),
  row('a template without end', endless),
  row('a template that makes a text of 512 MB', huge),
  row('a template that replaces each letter by a long text', replaced),
  row('a template that takes a long text apart', growing(20, '{{ ns.s.split("") | length }}')),
  row('ten templates without end', endless, 10),
  row('ten templates that make a text of 512 MB', huge, 10),
  row('ten templates that replace each letter by a long text', replaced, 10),
  // The thread that encodes long texts has a vocabulary of its own, and begins here.
  { ...row('a template that writes a million characters', growing(20, '{{ ns.s }}')), memory: 350 },
]
