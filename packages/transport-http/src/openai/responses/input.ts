import { isObject } from '@vllm-sim/serving'
import type { ChatMessage } from '@vllm-sim/tokenizer'
import { unparsable } from '../../generation/unparsable.ts'
import { checkItems } from '../../generation/wire.ts'
import { contentOf, echoOfParts, partsOf } from './content.ts'

/** An input item as it was sent. */
export type InputItem = Readonly<Record<string, unknown>>

/** `input` of a request in its one common form. */
export interface Conversation {
  readonly items: readonly InputItem[]
  /** The same in the tokenizer's terms. */
  readonly messages: readonly ChatMessage[]
  /** What echo mode answers: the last item as text. */
  readonly echo: string
}

/**
 * Reads `input`: a text is one message of the user.
 * @throws RequestError 400
 */
export function parseInput(input: unknown): Conversation {
  if (input === undefined || input === null) throw unparsable('input is required')
  if (typeof input === 'string') {
    const item = { type: 'message', role: 'user', content: input }
    return { items: [item], messages: [{ role: 'user', content: input }], echo: input }
  }
  if (!Array.isArray(input)) throw badInput(`got ${typeof input}`)
  checkItems(input, 'input', item => [(item as InputItem | null)?.['content'], (item as InputItem | null)?.['output']])
  const reader = new ItemReader()
  for (const [at, item] of input.entries()) {
    if (!isObject(item)) throw badInput(`input[${at}] must be an object`)
    reader.read(item)
  }
  return { items: input, messages: reader.messages, echo: reader.echo }
}

/** Whether a function's result is part of a conversation. */
export function hasToolResult(messages: readonly ChatMessage[]): boolean {
  return messages.some(({ role }) => role === 'tool')
}

/** Turns items into messages, one after another. */
class ItemReader {
  readonly messages: ChatMessage[] = []
  echo = ''
  /** Reasoning stands in an item of its own before what it led to. */
  #reasoning = ''

  read(item: InputItem): void {
    const type = item['type'] || 'message'
    switch (type) {
      case 'message':
        this.#message(item)
        break
      case 'function_call':
        this.#call(item)
        break
      case 'function_call_output':
        this.#result(item)
        break
      case 'reasoning':
        this.#reasoning = reasoningText(item)
        break
      default:
        throw unparsable(`unsupported input item type ${JSON.stringify(String(type))}`)
    }
  }

  #message(item: InputItem): void {
    const role = text(item, 'role')
    const parts = partsOf(item['content'])
    this.echo = echoOfParts(parts)
    this.#add({ role, content: contentOf(parts) })
  }

  #call(item: InputItem): void {
    const call = { id: text(item, 'call_id'), name: text(item, 'name'), arguments: text(item, 'arguments') }
    this.echo = `${call.name}(${call.arguments})`
    this.#add({ role: 'assistant', content: null, toolCalls: [call] })
  }

  #result(item: InputItem): void {
    const { output } = item as { output?: unknown }
    const parts = partsOf(output)
    this.echo = echoOfParts(parts)
    this.#add({ role: 'tool', toolCallId: text(item, 'call_id'), content: contentOf(parts) })
  }

  #add(message: ChatMessage): void {
    const reasoning = this.#reasoning
    this.#reasoning = ''
    this.messages.push(message.role === 'assistant' && reasoning !== '' ? { ...message, reasoning } : message)
  }
}

/** The text of a reasoning item that an earlier answer contained. */
function reasoningText(item: InputItem): string {
  const parts = [item['content'], item['summary']].find(list => Array.isArray(list) && list.length > 0)
  const texts = (Array.isArray(parts) ? parts : []).map(part => (isObject(part) ? part['text'] : undefined))
  return texts.filter(one => typeof one === 'string').join('\n')
}

/** A member that must be text where it is present. */
function text(item: InputItem, member: string): string {
  const value = item[member]
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw badInput(`\`${member}\` must be a string`)
  return value
}

function badInput(detail: string): Error {
  return unparsable(`input must be a string or array: ${detail}`)
}
