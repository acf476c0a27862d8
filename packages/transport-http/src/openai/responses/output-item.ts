import type { Token } from '@vllm-sim/core-engine'

/** Characters of a piece of text, about. */
const piece = 16_384

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

  /** The same in pieces, also when it grows meanwhile. */
  pieces(): Generator<string, void> {
    return slices(this.text)
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

function* slices(text: string): Generator<string, void> {
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = Math.min(text.length, from + piece)
    // A surrogate pair stays together.
    if (to < text.length && (text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to++
    yield text.slice(from, to)
  }
}

/** Whether an item is still being made. */
export type ItemStatus = 'in_progress' | 'completed'

/**
 * The one part of a message or reasoning item as JSON, in pieces.
 * @param text pieces of the inside of a JSON string
 * @param logprobs entries as JSON, without the brackets
 */
export function* partJson(
  kind: 'text' | 'reasoning',
  text: Iterable<string> = [],
  logprobs: Iterable<string> = [],
): Generator<string, void> {
  yield kind === 'text' ? '{"type":"output_text","text":"' : '{"type":"reasoning_text","text":"'
  yield* text
  if (kind === 'reasoning') yield '"}'
  else {
    yield '","annotations":[],"logprobs":['
    yield* logprobs
    yield ']}'
  }
}

/**
 * An output item as JSON, in pieces.
 * @param content of a message or reasoning item its parts as JSON, of a call the inside of its arguments' JSON string
 */
export function* itemJson(
  item: OutputItem,
  status: ItemStatus,
  content: Iterable<string> = [],
): Generator<string, void> {
  const id = JSON.stringify(item.id)
  switch (item.kind) {
    case 'text':
      yield `{"type":"message","id":${id},"role":"assistant","status":"${status}","content":[`
      yield* content
      yield ']}'
      break
    case 'reasoning':
      yield `{"type":"reasoning","id":${id},"status":"${status}","summary":[],"content":[`
      yield* content
      yield '],"encrypted_content":null}'
      break
    case 'tool':
      yield `{"type":"function_call","id":${id},"call_id":${JSON.stringify(item.callId)},` +
        `"name":${JSON.stringify(item.name)},"arguments":"`
      yield* content
      yield `","status":"${status}"}`
  }
}
