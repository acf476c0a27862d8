import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { Code, ConnectError } from '@connectrpc/connect'

/** Nobody reads fields that the definition does not have; kept, each takes a hundred times its bytes. */
export const decoding = { readUnknownFields: false }

/** Messages up to this length, in bytes, may have any form: none costs much. */
const harmless = 65_536
/** Messages inside of one, and entries of maps: each takes several hundred times the memory of its two bytes. */
const mostMessages = 16_384
/** Fields and numbers of packed lists: each takes eight to thirty times its one or two bytes. */
const mostFields = 2 ** 17
/** Bytes of texts together: tokens of them take many times their memory. */
const mostText = 2 ** 22
/** What a token of a prompt may take, bytes of text. */
const textPerToken = 8
/** Bytes of the longest varint (protobuf encoding guide, "Base 128 Varints"). */
const longestVarint = 10

/** Bytes of texts that a message may have. @param context tokens that fit a prompt and its answer */
export function textLimit(context: number): number {
  return Math.max(mostText, textPerToken * context)
}

/**
 * Refuses an encoded message that costs far more to be decoded than to be sent, or has more than can be served.
 * @param context tokens that fit a prompt and its answer: so many ids are always taken
 * @throws ConnectError `InvalidArgument`; any other error for bytes that are no message
 */
export function checkForm(schema: DescMessage, bytes: Uint8Array, context: number): void {
  if (bytes.length > harmless) new Walk(bytes, context).message(schema, bytes.length)
}

/** One way through a message, which ends at the first bound that is passed. */
class Walk {
  readonly #bytes: Uint8Array
  readonly #reader: BinaryReader
  readonly #mostFields: number
  readonly #mostText: number
  #messages = 0
  #fields = 0
  #text = 0

  constructor(bytes: Uint8Array, context: number) {
    this.#bytes = bytes
    this.#reader = new BinaryReader(bytes)
    this.#mostFields = Math.max(mostFields, context)
    this.#mostText = textLimit(context)
  }

  /** @param desc undefined: what is inside of its fields is not known */
  message(desc: DescMessage | undefined, end: number): void {
    const reader = this.#reader
    const contents = desc && contentsOf(desc)
    while (reader.pos < end) {
      const [number, wire] = reader.tag()
      this.#addFields(1)
      const content = wire === WireType.LengthDelimited ? contents?.get(number) : undefined
      if (content === undefined) {
        reader.skip(wire, number)
        continue
      }
      const length = reader.uint32()
      if (content === 'text') this.#addText(length)
      else if (content === 'numbers') this.#addFields(this.#numbers(reader.pos, length))
      else {
        this.#addMessage()
        this.message(content === 'entry' ? undefined : content, reader.pos + length)
        continue
      }
      reader.pos += length
    }
  }

  #addMessage(): void {
    if (++this.#messages > mostMessages) refuse(`contains more than ${mostMessages} messages`)
  }

  #addFields(count: number): void {
    this.#fields += count
    if (this.#fields > this.#mostFields) refuse(`has more than ${this.#mostFields} fields and numbers of lists`)
  }

  #addText(length: number): void {
    this.#text += length
    if (this.#text > this.#mostText) refuse(`has more than ${this.#mostText} bytes of text`)
  }

  /** How many varints these bytes are; fewer when that is too many. */
  #numbers(start: number, length: number): number {
    const least = Math.ceil(length / longestVarint)
    if (least > this.#mostFields) return least
    const end = Math.min(this.#bytes.length, start + length)
    let count = 0
    for (let at = start; at < end; at++) if (this.#bytes[at]! < 0x80) count++
    return count
  }
}

function refuse(what: string): never {
  throw new ConnectError(`The message ${what}`, Code.InvalidArgument)
}

/** What a field that has a length contains: a message, an entry of a map, packed varints (no other list is), or text. */
type Content = DescMessage | 'entry' | 'numbers' | 'text'
const known = new WeakMap<DescMessage, ReadonlyMap<number, Content>>()

function contentsOf(desc: DescMessage): ReadonlyMap<number, Content> {
  const before = known.get(desc)
  if (before) return before
  const contents = new Map<number, Content>()
  for (const field of desc.fields) {
    const content = contentOf(field)
    if (content) contents.set(field.number, content)
  }
  known.set(desc, contents)
  return contents
}

function contentOf(field: DescField): Content | undefined {
  if (field.fieldKind === 'map') return 'entry'
  if (field.message) return field.message
  if (field.scalar === ScalarType.STRING) return 'text'
  return field.fieldKind === 'list' && field.scalar !== ScalarType.BYTES ? 'numbers' : undefined
}

/** Frames of a body, each behind its flags and its length. */
const prefix = 5

/**
 * A request's body, which is handed on when it is complete and each message in it was checked. What is compressed is not
 * looked into.
 * @param most bytes of a body; what is longer is handed on as it is, for somebody else to refuse
 * @param context tokens that fit a prompt and its answer
 */
export async function* checkedBody(
  schema: DescMessage,
  body: AsyncIterable<Uint8Array>,
  most: number,
  context: number,
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
        checkForm(schema, bytes.subarray(at + prefix, end), context)
      } catch (error) {
        // Who decodes it says better what is wrong with it.
        if (error instanceof ConnectError) throw error
      }
    }
    at = end
  }
  yield bytes
}
