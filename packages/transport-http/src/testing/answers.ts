import type { TestServer } from './server.ts'
import { shapes } from './shapes.ts'

/** `usage` of an answer. */
export interface WireUsage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details?: { cached_tokens: number }
  completion_tokens_details?: { reasoning_tokens: number }
}

export interface WireLogprob {
  token: string
  logprob: number
  bytes: number[]
}

export interface WireLogprobs {
  content: (WireLogprob & { top_logprobs: WireLogprob[] })[]
  refusal: null
}

export interface WireToolCall {
  id: string
  type: 'function'
  index: number
  function: { name: string; arguments: string }
}

/** A chat completion as the endpoint sends it. */
export interface WireChat {
  id: string
  object: 'chat.completion'
  created: number
  model: string
  service_tier: null
  usage: WireUsage
  choices: {
    index: number
    finish_reason: 'stop' | 'length' | 'tool_calls'
    stop_reason: string | number | null
    logprobs: WireLogprobs | null
    token_ids?: number[]
    message: {
      role: 'assistant'
      content: string | null
      refusal: null
      reasoning?: string
      reasoning_content?: string
      tool_calls?: WireToolCall[]
    }
  }[]
  prompt_token_ids?: number[]
  prompt_text?: string
  prompt_logprobs?: (Record<string, { logprob: number; rank: number; decoded_token: string }> | null)[]
  kv_transfer_params?: Record<string, unknown>
  ec_transfer_params?: Record<string, Record<string, unknown>>
}

/** A chunk of a streamed chat completion. The name of a call is null after its first chunk, as in the reference. */
export interface WireChatChunk {
  id: string
  object: 'chat.completion.chunk'
  created: number
  model: string
  usage: WireUsage | null
  modality?: 'image'
  prompt_token_ids?: number[]
  choices: {
    index: number
    finish_reason: 'stop' | 'length' | 'tool_calls' | null
    stop_reason?: string | number | null
    logprobs: WireLogprobs | null
    token_ids?: number[]
    delta: {
      role?: 'assistant'
      content?: string
      reasoning?: string
      reasoning_content?: string
      tool_calls?: {
        index: number
        id: string
        type: 'function'
        function: { name: string | null; arguments: string }
      }[]
    }
  }[]
}

/** A text completion as the endpoint sends it. */
export interface WireText {
  id: string
  object: 'text_completion'
  created: number
  model: string
  service_tier: null
  usage: WireUsage
  choices: {
    index: number
    text: string
    finish_reason: 'stop' | 'length'
    stop_reason: string | number | null
    logprobs: WireTextLogprobs | null
    token_ids?: number[]
    prompt_token_ids?: number[]
    prompt_logprobs?: (Record<string, { logprob: number; rank: number; decoded_token: string }> | null)[]
  }[]
}

export interface WireTextLogprobs {
  text_offset: number[]
  token_logprobs: (number | null)[]
  tokens: string[]
  top_logprobs: (Record<string, number> | null)[]
}

const user = [{ role: 'user', content: 'This is a test.' }]

/** Asks for a whole chat completion and checks its shape. The prompt is one short message unless there are others. */
export async function chat(server: TestServer, body: object, headers?: Record<string, string>): Promise<WireChat> {
  const answer = await server.json<WireChat>(
    '/v1/chat/completions',
    { model: 'my-model', messages: user, ...body },
    headers,
  )
  shapes.chatCompletion(answer)
  return answer
}

/** The chunks of a streamed chat completion, whose shape and order are checked; without the final `[DONE]`. */
export async function chatChunks(
  server: TestServer,
  body: object,
  headers?: Record<string, string>,
): Promise<WireChatChunk[]> {
  const frames = await server.frames<WireChatChunk | '[DONE]'>(
    '/v1/chat/completions',
    { model: 'my-model', messages: user, ...body },
    headers,
  )
  return checked(frames, shapes.chatChunk)
}

/** The same for text completions. */
export async function text(server: TestServer, body: object, headers?: Record<string, string>): Promise<WireText> {
  const answer = await server.json<WireText>('/v1/completions', { model: 'my-model', ...body }, headers)
  shapes.textCompletion(answer)
  return answer
}

export async function textChunks(server: TestServer, body: object): Promise<WireText[]> {
  const frames = await server.frames<WireText | '[DONE]'>('/v1/completions', { model: 'my-model', ...body })
  return checked(frames, shapes.textChunk)
}

/** Every chunk has the right shape, the same id, time and model, and each choice ends exactly once. */
function checked<T extends { id: string; created: number; choices: { index: number; finish_reason: unknown }[] }>(
  frames: (T | '[DONE]')[],
  shape: (value: unknown) => void,
): T[] {
  if (frames.at(-1) !== '[DONE]') throw new Error('the stream does not end with [DONE]')
  const chunks = frames.slice(0, -1) as T[]
  const ended = new Map<number, number>()
  for (const chunk of chunks) {
    shape(chunk)
    if (chunk.id !== chunks[0]!.id || chunk.created !== chunks[0]!.created) throw new Error('id or created changes')
    for (const { index, finish_reason: reason } of chunk.choices) {
      ended.set(index, (ended.get(index) ?? 0) + (reason === null ? 0 : 1))
    }
  }
  for (const [index, count] of ended) if (count !== 1) throw new Error(`choice ${index} ended ${count} times`)
  return chunks
}

/** The tool calls of one choice of a stream, joined from their pieces; checks the rules for repeated members. */
export function joinToolCalls(chunks: readonly WireChatChunk[], index = 0): WireToolCall[] {
  const calls: WireToolCall[] = []
  for (const { choices } of chunks) {
    for (const choice of choices) {
      if (choice.index !== index) continue
      for (const { index: at, id, type, function: piece } of choice.delta.tool_calls ?? []) {
        const call = calls[at]
        if (!call) {
          if (piece.name === null) throw new Error('the first chunk of a call has no name')
          calls[at] = { id, type, index: at, function: { name: piece.name, arguments: piece.arguments } }
        } else {
          if (call.id !== id || piece.name !== null) throw new Error('a later chunk of a call has another id or a name')
          call.function.arguments += piece.arguments
        }
      }
    }
  }
  return calls
}
