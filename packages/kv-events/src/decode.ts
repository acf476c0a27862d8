import type { AllBlocksCleared, BlocksRemoved, BlocksStored } from '@vllm-sim/core-engine'
import { DecodeError, decodeMsgpack, type MsgpackValue } from './msgpack-reader.ts'

/** Where the blocks are, as the sender says: `GPU`, `CPU`, `STORAGE`; undefined when it does not. */
interface Placed {
  readonly medium: string | undefined
}

/** An event as a subscriber gets it. */
export type ReceivedEvent = (BlocksStored & Placed) | (BlocksRemoved & Placed) | AllBlocksCleared

/** The content of one message. */
export interface KvEventBatch {
  /** Unix time in seconds. */
  readonly timestamp: number
  readonly events: readonly ReceivedEvent[]
  /** Data-parallel rank; 0 when the sender says none. */
  readonly rank: number
}

const storedFields = [
  'block_hashes',
  'parent_block_hash',
  'token_ids',
  'block_size',
  'lora_id',
  'medium',
  'lora_name',
  'extra_keys',
]
const removedFields = ['block_hashes', 'medium']

/**
 * Reads a payload of vLLM (any version since events exist) or of llm-d-inference-sim: events as arrays or as maps,
 * fields missing at the end or unknown ones behind, hashes as integers or bytes. Events of unknown types are left out.
 *
 * @throws DecodeError when it is something else
 */
export function decodeBatch(payload: Buffer): KvEventBatch {
  const batch = decodeMsgpack(payload)
  if (!Array.isArray(batch) || !Array.isArray(batch[1]))
    throw new DecodeError('a batch must be an array [timestamp, events, rank]')
  const [timestamp, events, rank] = batch
  return {
    timestamp: number(timestamp, 'timestamp'),
    events: (events as MsgpackValue[]).map(event).filter(item => item !== undefined),
    rank: rank === undefined || rank === null ? 0 : number(rank, 'data_parallel_rank'),
  }
}

type Fields = (name: string) => MsgpackValue | undefined

function event(value: MsgpackValue): ReceivedEvent | undefined {
  if (Array.isArray(value)) {
    const by = (names: string[]) => (name: string) => value[1 + names.indexOf(name)]
    return typed(value[0], by)
  }
  if (value instanceof Map) return typed(value.get('type'), () => name => value.get(name))
  throw new DecodeError('an event must be an array or a map')
}

function typed(type: MsgpackValue | undefined, by: (names: string[]) => Fields): ReceivedEvent | undefined {
  if (type === 'AllBlocksCleared') return { type }
  if (type === 'BlockRemoved') {
    const field = by(removedFields)
    return { type, hashes: list(field('block_hashes'), 'block_hashes').map(hash), medium: text(field('medium')) }
  }
  if (type === 'BlockStored') return stored(by(storedFields))
  if (typeof type !== 'string') throw new DecodeError('an event must begin with the name of its type')
  return undefined
}

function stored(field: Fields): ReceivedEvent {
  const parent = field('parent_block_hash')
  const loraId = field('lora_id')
  const extra = field('extra_keys')
  return {
    type: 'BlockStored',
    hashes: list(field('block_hashes'), 'block_hashes').map(hash),
    // The array form of llm-d-inference-sim says 0 for "no parent", vLLM nil.
    parent: parent === undefined || parent === null || parent === 0 ? undefined : hash(parent),
    tokenIds: list(field('token_ids'), 'token_ids').map(id => number(id, 'token_ids')),
    blockSize: number(field('block_size'), 'block_size'),
    loraId: loraId === undefined || loraId === null ? undefined : number(loraId, 'lora_id'),
    medium: text(field('medium')),
    loraName: text(field('lora_name')),
    extraKeys: extra === undefined || extra === null ? undefined : list(extra, 'extra_keys').map(keysOfBlock),
  }
}

function keysOfBlock(keys: MsgpackValue): (string | [string, number])[] | undefined {
  if (keys === null) return undefined
  return list(keys, 'extra_keys').map(key => {
    if (typeof key === 'string') return key
    if (Array.isArray(key) && typeof key[0] === 'string' && typeof key[1] === 'number') return [key[0], key[1]]
    // Hashed prompt embeddings and whatever comes later.
    return key instanceof Buffer ? key.toString('hex') : String(key)
  })
}

/** Integers of any sign and width, or a digest, of which the low 64 bits count. */
function hash(value: MsgpackValue): bigint {
  if (typeof value === 'bigint') return BigInt.asUintN(64, value)
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt.asUintN(64, BigInt(value))
  if (value instanceof Buffer && value.length >= 8) return value.readBigUInt64BE(value.length - 8)
  throw new DecodeError('a block hash must be an integer or at least 8 bytes')
}

function number(value: MsgpackValue | undefined, field: string): number {
  if (typeof value !== 'number') throw new DecodeError(`${field} must be a number`)
  return value
}

function list(value: MsgpackValue | undefined, field: string): MsgpackValue[] {
  if (!Array.isArray(value)) throw new DecodeError(`${field} must be an array`)
  return value
}

function text(value: MsgpackValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
