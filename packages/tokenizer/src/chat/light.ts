import type { ChatRender } from '../types.ts'

/** Messages and tools: rendering takes 8 µs per message and 20 µs per tool. */
const mostItems = 200
/** Values of all of them, each counting one and one more per 32 characters. */
const mostWork = 4096
const charactersPerUnit = 32

/**
 * Whether the server's own template renders a conversation in a millisecond or two. A template does work in proportion to
 * messages and tools, but variables of the request may be numbers of which it makes loops.
 */
export function isLight({ messages, tools, documents, chatTemplateKwargs: variables }: ChatRender): boolean {
  if (messages.length + (tools?.length ?? 0) >= mostItems) return false
  let left = spend(messages, mostWork)
  if (tools) left = spend(tools, left)
  if (documents) left = spend(documents, left)
  if (left < 0) return false
  for (const name in variables) if (!isPlain(variables[name])) return false
  return true
}

/** @returns what is left after `value`; negative when it was not enough */
function spend(value: unknown, budget: number): number {
  if (typeof value === 'string') return budget - 1 - value.length / charactersPerUnit
  let left = budget - 1
  if (typeof value !== 'object' || value === null) return left
  for (const key in value) {
    if (left < 0) return left
    left = spend((value as Readonly<Record<string, unknown>>)[key], left)
  }
  return left
}

/** A word or a switch: nothing that can be counted to. */
function isPlain(value: unknown): boolean {
  return typeof value === 'string' ? value.length <= 256 && !/\d/.test(value) : !value || value === true
}
