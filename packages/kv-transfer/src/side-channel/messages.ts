/** Of this protocol. A peer of another version is refused. */
const version = 1

/** Longest engine or request id that goes over the channel, characters. */
const longestId = 512

/** What a decoding instance asks a prefilling one for. */
export interface TakeRequest {
  /** The engine that holds the blocks. */
  readonly engineId: string
  /** The id under which it holds them. */
  readonly requestId: string
  /** The engine that asks. */
  readonly decoderId: string
}

/** Why blocks are not there: held under no such id, not fetched in time, fetched before. */
export type Refusal = 'unknown' | 'expired' | 'taken'

/** What it is answered. Numbers are of the blocks and of the tokens that were prefilled. */
export type TakeAnswer = { readonly blocks: number; readonly tokens: number } | { readonly refused: Refusal }

type Message = Readonly<Record<string, unknown>>

export function encodeTake({ engineId, requestId, decoderId }: TakeRequest): object {
  return { version, type: 'take', engine_id: engineId, request_id: requestId, decoder_engine_id: decoderId }
}

/** @throws Error when this is no such message */
export function decodeTake(message: Message): TakeRequest {
  expect(message, 'take')
  const { engine_id: engineId, request_id: requestId, decoder_engine_id: decoderId } = message
  if (!isId(engineId) || !isId(requestId) || !isId(decoderId)) throw new Error('not an id')
  return { engineId, requestId, decoderId }
}

export function encodeAnswer(answer: TakeAnswer): object {
  if ('refused' in answer) return { version, type: 'refused', reason: answer.refused }
  return { version, type: 'blocks', num_blocks: answer.blocks, num_tokens: answer.tokens }
}

/** @throws Error when this is no such message */
export function decodeAnswer(message: Message): TakeAnswer {
  const { num_blocks: blocks, num_tokens: tokens, reason } = message
  if (message['type'] === 'refused') {
    expect(message, 'refused')
    if (reason === 'unknown' || reason === 'expired' || reason === 'taken') return { refused: reason }
    throw new Error('not a reason')
  }
  expect(message, 'blocks')
  if (!isCount(blocks) || !isCount(tokens)) throw new Error('not a number')
  return { blocks, tokens }
}

function expect(message: Message, type: string): void {
  if (message['version'] !== version || message['type'] !== type) throw new Error('another message')
}

/** Whether a value can be an id here. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longestId
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
