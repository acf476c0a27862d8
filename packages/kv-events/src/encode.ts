import type { BlocksStored, KvCacheEvent } from '@vllm-sim/core-engine'
import { MsgpackWriter } from './msgpack-writer.ts'

/** `array`: an event is a list of fields by position; `map`: by name, as vLLM does since June 2026. */
export type EventFormat = 'array' | 'map'

/** Where the blocks are: the simulated cache has no other place. */
const medium = 'GPU'
const writer = new MsgpackWriter()

/**
 * The payload of one message: `[timestamp, [event…], rank]` in msgpack, to the byte what llm-d-inference-sim sends.
 * An event with extra keys carries them as vLLM does.
 *
 * @param timestamp Unix time in seconds
 * @param rank data-parallel rank, 0 without data parallelism
 */
export function encodeBatch(
  timestamp: number,
  events: readonly KvCacheEvent[],
  rank: number,
  format: EventFormat = 'array',
): Buffer {
  writer.reset().array(3).float64(timestamp).array(events.length)
  for (const event of events) format === 'map' ? writeMap(event) : writeArray(event)
  return writer.int(rank).take()
}

function writeArray(event: KvCacheEvent): void {
  switch (event.type) {
    case 'BlockStored':
      writer.array(9).text('BlockStored')
      writeHashes(event.hashes)
      writer.uint64(event.parent ?? 0n)
      writeTokens(event.tokenIds)
      writer.int(event.blockSize)
      event.loraId === undefined ? writer.nil() : writer.int(event.loraId)
      writer.text(medium)
      event.loraName === undefined ? writer.nil() : writer.text(event.loraName)
      writeExtraKeys(event.extraKeys)
      break
    case 'BlockRemoved':
      writer.array(3).text('BlockRemoved')
      writeHashes(event.hashes)
      writer.text(medium)
      break
    case 'AllBlocksCleared':
      writer.array(1).text('AllBlocksCleared')
  }
}

function writeMap(event: KvCacheEvent): void {
  switch (event.type) {
    case 'BlockStored': {
      const { loraId, loraName, extraKeys, parent } = event
      const optional = [loraId, loraName, extraKeys].filter(value => value !== undefined).length
      writer
        .map(6 + optional)
        .text('type')
        .text('BlockStored')
        .text('block_hashes')
      writeHashes(event.hashes)
      writer.text('parent_block_hash')
      parent === undefined ? writer.nil() : writer.uint64(parent)
      writer.text('token_ids')
      writeTokens(event.tokenIds)
      writer.text('block_size').int(event.blockSize)
      if (loraId !== undefined) writer.text('lora_id').int(loraId)
      writer.text('medium').text(medium)
      if (loraName !== undefined) writer.text('lora_name').text(loraName)
      if (extraKeys !== undefined) {
        writer.text('extra_keys')
        writeExtraKeys(extraKeys)
      }
      break
    }
    case 'BlockRemoved':
      writer.map(3).text('type').text('BlockRemoved').text('block_hashes')
      writeHashes(event.hashes)
      writer.text('medium').text(medium)
      break
    case 'AllBlocksCleared':
      writer.map(1).text('type').text('AllBlocksCleared')
  }
}

// llm-d's router takes a hash only as a full uint64, signed or unsigned: a compact small one makes it drop the message.
function writeHashes(hashes: readonly bigint[]): void {
  writer.array(hashes.length)
  for (const hash of hashes) writer.uint64(hash)
}

function writeTokens(tokenIds: ArrayLike<number>): void {
  writer.array(tokenIds.length)
  for (let i = 0; i < tokenIds.length; i++) writer.uint32(tokenIds[i]!)
}

function writeExtraKeys(blocks: BlocksStored['extraKeys']): void {
  if (!blocks) {
    writer.nil()
    return
  }
  writer.array(blocks.length)
  for (const keys of blocks) {
    if (!keys) {
      writer.nil()
      continue
    }
    writer.array(keys.length)
    for (const key of keys) {
      if (typeof key === 'string') writer.text(key)
      else writer.array(2).text(key[0]).int(key[1])
    }
  }
}
