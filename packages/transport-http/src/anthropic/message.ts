import { hash } from 'node:crypto'
import type { Outcome } from '@vllm-sim/core-engine'
import { type MessageUsage, messageUsage } from './usage.ts'

/** What changes in a Message while it is made. Members are JSON. */
export interface MessageState {
  /** The blocks, without the brackets. */
  readonly content: string
  /** The members that say why it ended. */
  readonly stop: string
  readonly usage: MessageUsage
}

/** A Message object. @param id the bare request id @param extra further members, each with the comma before it */
export function messageJson(id: string, model: string, { content, stop, usage }: MessageState, extra = ''): string {
  return (
    `{"id":${JSON.stringify(`msg_${id}`)},"type":"message","role":"assistant","model":${JSON.stringify(model)},` +
    `"content":[${content}],${stop},"container":null,"diagnostics":null,"usage":${messageUsage(usage)}${extra}}`
  )
}

/** The members that say why a message ended: nothing yet. */
export const running = '"stop_reason":null,"stop_sequence":null,"stop_details":null'

/** The members that say why a message ended. */
export function stopMembers({ finishReason, stopReason }: Outcome): string {
  const sequence = finishReason === 'stop' && typeof stopReason === 'string' ? stopReason : null
  const reason = sequence === null ? (reasons[finishReason] ?? 'end_turn') : 'stop_sequence'
  return `"stop_reason":"${reason}","stop_sequence":${JSON.stringify(sequence)},"stop_details":null`
}

const reasons: Readonly<Partial<Record<Outcome['finishReason'], string>>> = {
  tool_calls: 'tool_use',
  length: 'max_tokens',
  cache_threshold: 'max_tokens',
}

/** A text block. Without `citations`: null there is what the ai SDK refuses. @param text the inside of a JSON string */
export function textBlock(text: string): string {
  return `{"type":"text","text":"${text}"}`
}

/** A thinking block. @param text the inside of a JSON string */
export function thinkingBlock(text: string, signature: string): string {
  return `{"type":"thinking","thinking":"${text}","signature":"${signature}"}`
}

/** A call. @param input JSON of the arguments */
export function toolBlock(tool: { readonly id: string; readonly name: string }, input: string): string {
  const { id, name } = tool
  return (
    `{"type":"tool_use","id":${JSON.stringify(id)},"name":${JSON.stringify(name)},"input":${input},` +
    '"caller":{"type":"direct"}}'
  )
}

/** Stands for the proof that thinking came from the server, which clients send back with it. @param id the request's */
export function signatureOf(id: string): string {
  return hash('sha256', `thinking of ${id}`, 'base64')
}
