import type { Piece } from './piece.ts'

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
export function outputItem(piece: Piece, status: ItemStatus, content: string): string {
  const id = JSON.stringify(piece.itemId)
  switch (piece.kind) {
    case 'text':
      return `{"type":"message","id":${id},"role":"assistant","status":"${status}","content":[${content}]}`
    case 'reasoning':
      return (
        `{"type":"reasoning","id":${id},"status":"${status}","summary":[],"content":[${content}],` +
        '"encrypted_content":null}'
      )
    case 'tool':
      return (
        `{"type":"function_call","id":${id},"call_id":${JSON.stringify(piece.callId)},` +
        `"name":${JSON.stringify(piece.name)},"arguments":"${content}","status":"${status}"}`
      )
  }
}
