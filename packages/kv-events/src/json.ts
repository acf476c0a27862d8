import type { ReceivedEvent } from './decode.ts'
import type { KvEventMessage } from './message.ts'

/**
 * One line of JSON per event, with vLLM's field names. Hashes are decimal strings: most readers of JSON cannot hold 64
 * bits in a number.
 */
export function messageLines(message: KvEventMessage): string[] {
  const { topic, sequence, timestamp, rank, replayed } = message
  return message.events.map(event => JSON.stringify({ topic, sequence, timestamp, rank, replayed, ...fields(event) }))
}

function fields(event: ReceivedEvent): object {
  switch (event.type) {
    case 'BlockStored':
      return {
        type: event.type,
        block_hashes: event.hashes.map(String),
        parent_block_hash: event.parent === undefined ? null : String(event.parent),
        token_ids: Array.from(event.tokenIds),
        block_size: event.blockSize,
        lora_id: event.loraId ?? null,
        medium: event.medium ?? null,
        lora_name: event.loraName ?? null,
        extra_keys: event.extraKeys?.map(keys => keys ?? null) ?? null,
      }
    case 'BlockRemoved':
      return { type: event.type, block_hashes: event.hashes.map(String), medium: event.medium ?? null }
    case 'AllBlocksCleared':
      return { type: event.type }
  }
}
