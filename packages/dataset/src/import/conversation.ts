/** What a turn says beside its text, or instead of it, that a dataset cannot hold: it holds the tokens of a text. */
export type NotText = 'tool-calls' | 'refusal'

/** One turn of a conversation. */
export interface Turn {
  role: 'system' | 'user' | 'assistant' | 'other'
  text: string
  notText?: NotText
}

/** A conversation, or why a record is none. */
export type Conversation = { turns: Turn[] } | { problem: string }

/** Where the conversation of a record is, first match first: ShareGPT's name, the OpenAI one, and one that is seen at times. */
export const conversationKeys: readonly string[] = ['conversations', 'messages', 'conversation']

const roles: Readonly<Record<string, Turn['role']>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  system: 'system',
}

/**
 * Reads a record: `{"conversations": [{"from": "human"|"gpt", "value": string}, …]}`, or with `messages`, `role` and `content`.
 * The list may also be JSON text, or an object of lists as HuggingFace stores sequences of structs. Missing strings are empty.
 */
export function readConversation(record: unknown): Conversation {
  if (!isObject(record)) return { problem: 'it is not an object' }
  const key = conversationKeys.find(name => record[name] !== undefined && record[name] !== null)
  if (key === undefined) return { problem: `it has none of ${conversationKeys.join(', ')}` }
  const list = asList(record[key])
  if (!list) return { problem: `${key} is not a list` }
  const turns: Turn[] = []
  for (const [index, entry] of list.entries()) {
    if (!isObject(entry)) return { problem: `${key}[${index}] is not an object` }
    const role = entry['from'] ?? entry['role'] ?? ''
    const text = entry['value'] ?? entry['content'] ?? ''
    if (typeof role !== 'string') return { problem: `the role of ${key}[${index}] is not a string` }
    if (typeof text !== 'string') return { problem: `the text of ${key}[${index}] is not a string` }
    const notText = notTextOf(entry)
    turns.push({
      role: Object.hasOwn(roles, role) ? roles[role]! : 'other',
      text: text.toWellFormed(),
      ...(notText ? { notText } : undefined),
    })
  }
  return { turns }
}

/** OpenAI's members for tools, the older one too, and for a refusal. */
function notTextOf(turn: Record<string, unknown>): NotText | undefined {
  if (holds(turn['tool_calls']) || holds(turn['function_call'])) return 'tool-calls'
  return holds(turn['refusal']) ? 'refusal' : undefined
}

/** Whether a member says anything. Tables, which have every column in every row, fill it with null, nothing, or JSON of these. */
function holds(value: unknown): boolean {
  if (typeof value === 'string') return !['', '[]', '{}', 'null'].includes(value.trim())
  if (Array.isArray(value)) return value.length > 0
  return isObject(value) ? Object.values(value).some(member => member !== null) : Boolean(value)
}

function asList(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value
  if (typeof value === 'string') {
    try {
      const parsed: unknown = JSON.parse(value)
      return Array.isArray(parsed) ? parsed : undefined
    } catch {
      return undefined
    }
  }
  if (!isObject(value)) return undefined
  const columns = Object.entries(value).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]))
  const rows = Math.max(0, ...columns.map(([, cells]) => cells.length))
  if (columns.length === 0) return undefined
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(columns.map(([name, cells]) => [name, cells[row]])),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
