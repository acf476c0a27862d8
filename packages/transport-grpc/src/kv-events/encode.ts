import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { BlocksStored, KvCacheEvent } from '@vllm-sim/core-engine'
import {
  type EngineLoad,
  type KvBlockExtraKeySchema,
  type KvBlockSchema,
  KvCacheEventSchema,
  KvCacheTier,
  type KvEventBatch,
  KvEventBatchSchema,
} from '../gen/smg/grpc/common/common_pb.ts'
import type { NumberedBatch } from './source.ts'

/** The simulated cache lies on the device, which vLLM calls medium `GPU`, level 0. */
const medium = 'GPU'
const cacheLevel = 0
const tier = KvCacheTier.DEVICE

/** Writes batches of one stream, whose events are counted from 1. */
export class BatchEncoder {
  readonly #rank: number
  #events = 0n

  constructor(rank: number) {
    this.#rank = rank
  }

  encode({ sequence, timestamp, events }: NumberedBatch, load: EngineLoad | undefined): KvEventBatch {
    return create(KvEventBatchSchema, {
      sequenceNumber: BigInt(sequence),
      timestamp,
      events: events.map(event => create(KvCacheEventSchema, { eventId: ++this.#events, data: dataOf(event) })),
      dpRank: this.#rank,
      ...(load ? { load } : undefined),
    })
  }
}

/** What the hash of a block depends on beside its tokens. */
type ExtraKey = NonNullable<NonNullable<BlocksStored['extraKeys']>[number]>[number]

type Data = NonNullable<MessageInitShape<typeof KvCacheEventSchema>['data']>

function dataOf(event: KvCacheEvent): Data {
  switch (event.type) {
    case 'BlockStored':
      return {
        case: 'stored',
        value: {
          blocks: event.hashes.map((hash, at) => block(event, hash, at)),
          tier,
          medium,
          ...(event.parent === undefined ? undefined : { parentBlockHash: signed(event.parent) }),
          ...(event.loraName === undefined ? undefined : { loraName: event.loraName }),
        },
      }
    case 'BlockRemoved':
      return { case: 'removed', value: { blockHashes: event.hashes.map(signed), cacheLevel, tier, medium } }
    case 'AllBlocksCleared':
      return { case: 'cleared', value: {} }
  }
}

function block(event: BlocksStored, hash: bigint, at: number): MessageInitShape<typeof KvBlockSchema> {
  const { blockSize, tokenIds, loraId, extraKeys } = event
  const ids: number[] = []
  for (let i = at * blockSize; i < (at + 1) * blockSize; i++) ids.push(tokenIds[i]!)
  return {
    blockHash: signed(hash),
    tokenIds: ids,
    blockSize,
    cacheLevel,
    extraKeys: (extraKeys?.[at] ?? []).map(extraKey),
    ...(loraId === undefined ? undefined : { loraId: BigInt(loraId) }),
  }
}

function extraKey(key: ExtraKey): MessageInitShape<typeof KvBlockExtraKeySchema> {
  if (typeof key === 'string') return { key: { case: 'text', value: key } }
  const [identifier, offset] = key
  return { key: { case: 'multimodal', value: { identifier, offset: BigInt(offset) } } }
}

/** The 64 bits of a hash as the signed number that the definition has room for. */
function signed(hash: bigint): bigint {
  return BigInt.asIntN(64, hash)
}
