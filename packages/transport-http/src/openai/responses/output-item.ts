import type { Token } from '@vllm-sim/core-engine'

/** One item of the output, as far as it exists. */
export class OutputItem {
  readonly kind: 'reasoning' | 'text' | 'tool'
  readonly id: string
  /** Calls only: the function's name. */
  readonly name: string
  readonly tokens: Token[] = []
  #text = ''
  #joined = 0

  constructor(kind: OutputItem['kind'], id: string, name = '') {
    this.kind = kind
    this.id = id
    this.name = name
  }

  /** The text so far as the inside of a JSON string. */
  get text(): string {
    const { tokens } = this
    if (this.#joined < tokens.length) {
      // Joining makes one flat string. Appended one by one they would be kept as a chain of small ones.
      const added = tokens.slice(this.#joined).map(token => token.json)
      this.#text += added.join('')
      this.#joined = tokens.length
    }
    return this.#text
  }

  /** Calls only: the id by which a function's result refers to it, with the same digits as the item's. */
  get callId(): string {
    return this.id.replace(/^fc_/, 'call_')
  }

  /** The text so far. */
  plainText(): string {
    return JSON.parse(`"${this.text}"`)
  }
}

/** Whether an item is still being made. */
export type ItemStatus = 'in_progress' | 'completed'

/**
 * A text part of a message.
 * @param text the inside of a JSON string
 * @param logprobs entries as JSON, without the brackets
 */
export function textPart(text: string, logprobs: string): string {
  return `{"type":"output_text","text":"${text}","annotations":[],"logprobs":[${logprobs}]}`
}

/** The one part of a reasoning item. @param text the inside of a JSON string */
export function reasoningPart(text: string): string {
  return `{"type":"reasoning_text","text":"${text}"}`
}

/**
 * An output item as JSON.
 * @param content of a message or reasoning item its parts as JSON, of a call the inside of its arguments' JSON string
 */
export function outputItem(item: OutputItem, status: ItemStatus, content: string): string {
  const id = JSON.stringify(item.id)
  switch (item.kind) {
    case 'text':
      return `{"type":"message","id":${id},"role":"assistant","status":"${status}","content":[${content}]}`
    case 'reasoning':
      return (
        `{"type":"reasoning","id":${id},"status":"${status}","summary":[],"content":[${content}],` +
        '"encrypted_content":null}'
      )
    case 'tool':
      return (
        `{"type":"function_call","id":${id},"call_id":${JSON.stringify(item.callId)},` +
        `"name":${JSON.stringify(item.name)},"arguments":"${content}","status":"${status}"}`
      )
  }
}
