import { decodeBatch, type KvEventBatch } from './decode.ts'
import { DecodeError } from './msgpack-reader.ts'

/** One message as a subscriber gets it. */
export interface KvEventMessage extends KvEventBatch {
  readonly topic: string
  readonly sequence: number
  /** It was asked for again and did not come live. */
  readonly replayed: boolean
}

/**
 * Reads the frames `[topic, sequence, payload]`.
 * @throws DecodeError when they are something else
 */
export function decodeMessage(frames: readonly Buffer[], replayed: boolean): KvEventMessage {
  const [topic, sequence, payload] = frames
  if (frames.length !== 3 || !topic || !payload || sequence?.length !== 8)
    throw new DecodeError('a message must have the frames topic, sequence (8 bytes) and payload')
  return {
    topic: topic.toString(),
    sequence: Number(sequence.readBigUInt64BE()),
    replayed,
    ...decodeBatch(payload),
  }
}
