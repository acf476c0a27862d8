import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { Code, ConnectError } from '@connectrpc/connect'

/** Nobody reads fields that the definition does not have; kept, each takes a hundred times its bytes. */
export const decoding = { readUnknownFields: false }

/** Messages up to this length, in bytes, may have any form: none costs much. */
const harmless = 65_536
/** Messages inside of one, and entries of maps: each takes several hundred times the memory of its two bytes. */
const mostMessages = 16_384

/**
 * Refuses an encoded message that costs far more to be decoded than to be sent.
 * @throws ConnectError `InvalidArgument`; any other error for bytes that are no message
 */
export function checkForm(schema: DescMessage, bytes: Uint8Array): void {
  if (bytes.length <= harmless) return
  const reader = new BinaryReader(bytes)
  let messages = 0
  const walk = (desc: DescMessage | undefined, end: number): void => {
    const inside = desc && messageFields(desc)
    while (reader.pos < end) {
      const [number, wire] = reader.tag()
      if (wire !== WireType.LengthDelimited || !inside?.has(number)) {
        reader.skip(wire, number)
        continue
      }
      if (++messages > mostMessages) {
        throw new ConnectError(`The message contains more than ${mostMessages} messages`, Code.InvalidArgument)
      }
      const length = reader.uint32()
      walk(inside.get(number), reader.pos + length)
    }
  }
  walk(schema, bytes.length)
}

/** Fields that contain messages, with what these are; undefined for the entries of maps, which are not looked into. */
type MessageFields = ReadonlyMap<number, DescMessage | undefined>
const known = new WeakMap<DescMessage, MessageFields>()

function messageFields(desc: DescMessage): MessageFields {
  const before = known.get(desc)
  if (before) return before
  const fields = new Map(
    desc.fields
      .filter(field => isMessage(field))
      .map(field => [field.number, field.fieldKind === 'map' ? undefined : field.message]),
  )
  known.set(desc, fields)
  return fields
}

function isMessage(field: DescField): boolean {
  return field.fieldKind === 'map' || field.message !== undefined
}

/** Frames of a body, each behind its flags and its length. */
const prefix = 5

/**
 * A request's body, which is handed on when it is complete and each message in it was checked. What is compressed is not
 * looked into.
 * @param most bytes of a body; what is longer is handed on as it is, for somebody else to refuse
 */
export async function* checkedBody(
  schema: DescMessage,
  body: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body) {
    size += piece.length
    if (size > most + prefix) yield* pieces.splice(0)
    if (size > most + prefix) yield piece
    else pieces.push(piece)
  }
  if (pieces.length === 0) return
  const bytes = Buffer.concat(pieces)
  for (let at = 0; at + prefix <= bytes.length; ) {
    const end = at + prefix + bytes.readUInt32BE(at + 1)
    if ((bytes[at]! & 1) === 0) {
      try {
        checkForm(schema, bytes.subarray(at + prefix, end))
      } catch (error) {
        // Who decodes it says better what is wrong with it.
        if (error instanceof ConnectError) throw error
      }
    }
    at = end
  }
  yield bytes
}
