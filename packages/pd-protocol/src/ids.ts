import { createHash } from 'node:crypto'

/** A UUID in its usual form. */
export type Uuid = `${string}-${string}-${string}-${string}-${string}`

/** The UUID (version 4) of 16 random bytes. */
export function uuidOf(random: Uint8Array): Uuid {
  const bytes = Buffer.from(random)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/** `transfer_id` of Mooncake. */
export function mooncakeTransferId(uuid: Uuid): string {
  return `xfer-${uuid}`
}

/** `transfer_id` of MoRI-IO. */
export function moriioTransferId(uuid: Uuid): string {
  return `tx${uuid}`
}

/** SGLang's `bootstrap_room` of 8 random bytes: an integer from 1 to 2^63 - 1, in decimal, as it may be over 2^53. */
export function sglangRoom(random: Uint8Array): string {
  const room = Buffer.from(random).readBigUInt64BE() & 0x7fff_ffff_ffff_ffffn
  return String(room === 0n ? 1n : room)
}

/**
 * The data-parallel rank of a request, as llm-d's sidecar computes it: the first 8 bytes, big-endian, of BLAKE2s-256 of the id,
 * modulo the number of ranks.
 */
export function moriioRank(id: string, ranks: number): number {
  if (ranks <= 1) return 0
  return Number(createHash('blake2s256').update(id).digest().readBigUInt64BE() % BigInt(ranks))
}
