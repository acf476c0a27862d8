import type Anthropic from '@anthropic-ai/sdk'
import { checkMembers, type Members } from './members.ts'

type M = Anthropic.Messages.Message

const message: Members<M> = {
  id: true,
  container: true,
  content: true,
  diagnostics: true,
  model: true,
  role: true,
  stop_details: true,
  stop_reason: true,
  stop_sequence: true,
  type: true,
  usage: true,
}
const usage: Members<Anthropic.Messages.Usage> = {
  cache_creation: true,
  cache_creation_input_tokens: true,
  cache_read_input_tokens: true,
  inference_geo: true,
  input_tokens: true,
  output_tokens: true,
  output_tokens_details: true,
  server_tool_use: true,
  service_tier: true,
  speed: true,
}
const deltaUsage: Members<Anthropic.Messages.MessageDeltaUsage> = {
  cache_creation_input_tokens: true,
  cache_read_input_tokens: true,
  input_tokens: true,
  output_tokens: true,
  output_tokens_details: true,
  server_tool_use: true,
}
const delta: Members<Anthropic.Messages.RawMessageDeltaEvent.Delta> = {
  container: true,
  stop_details: true,
  stop_reason: true,
  stop_sequence: true,
}
// Anthropic's own answers leave `citations` out where there are none, and the ai SDK refuses null.
const text: Members<Omit<Anthropic.Messages.TextBlock, 'citations'>> = { text: true, type: true }
const thinking: Members<Anthropic.Messages.ThinkingBlock> = { signature: true, thinking: true, type: true }
const toolUse: Members<Anthropic.Messages.ToolUseBlock> = {
  id: true,
  caller: true,
  input: true,
  name: true,
  type: true,
}

type Event = Anthropic.Messages.RawMessageStreamEvent

const events: { readonly [E in Event as E['type']]: Members<E> } = {
  message_start: { message: true, type: true },
  message_delta: { delta: true, type: true, usage: true },
  message_stop: { type: true },
  content_block_start: { content_block: true, index: true, type: true },
  content_block_delta: { delta: true, index: true, type: true },
  content_block_stop: { index: true, type: true },
}

/** Checks a message as the server sends it. */
export function checkMessage(value: M): void {
  checkMembers('message', value, message)
  checkMembers('usage', value.usage, usage)
  for (const block of value.content) checkBlock(block)
}

function checkBlock(block: Anthropic.Messages.ContentBlock): void {
  if (block.type === 'text') checkMembers('text', block, text)
  else if (block.type === 'thinking') checkMembers('thinking', block, thinking)
  else if (block.type === 'tool_use') checkMembers('tool_use', block, toolUse)
  else throw new Error(`unknown block ${block.type}`)
}

/** Checks the events of a stream: members, and that blocks follow one another, each from its start to its stop. */
export function checkMessageEvents(list: readonly (Event | { type: 'ping' })[]): void {
  let open: Anthropic.Messages.ContentBlock | undefined
  let blocks = 0
  for (const event of list) {
    if (event.type === 'ping') continue
    checkMembers(event.type, event, events[event.type] as Members<Event>)
    if (event.type === 'message_start') checkMessage(event.message)
    if (event.type === 'message_delta') {
      checkMembers('delta', event.delta, delta)
      checkMembers('usage', event.usage, deltaUsage)
    }
    if ('index' in event) {
      const starts = event.type === 'content_block_start'
      if (starts === (open !== undefined)) throw new Error(`${event.type} out of order`)
      if (event.index !== blocks) throw new Error(`${event.type} of block ${event.index}, not ${blocks}`)
      if (starts) {
        checkBlock(event.content_block)
        open = event.content_block
      } else if (event.type === 'content_block_stop') {
        open = undefined
        blocks++
      }
    }
  }
  if (list[0]?.type !== 'message_start') throw new Error('the stream does not begin with message_start')
  if (list.at(-1)?.type !== 'message_stop') throw new Error('the stream does not end with message_stop')
  if (blocks === 0) throw new Error('the message has no block')
}
