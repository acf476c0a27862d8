import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import type { Row } from './budget.ts'
import { aborted, post } from './client.ts'
import { times } from './requests.ts'
import type { Target } from './target.ts'

const generate = '/vllm.grpc.engine.VllmEngine/Generate'
const embed = '/vllm.grpc.engine.VllmEngine/Embed'

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 128))]
}

/** A frame whose prefix says `length`; that of the message when absent. */
function framed(message: Uint8Array, length = message.length): Buffer {
  const bytes = Buffer.alloc(5 + message.length)
  bytes.writeUInt32BE(length, 1)
  bytes.set(message, 5)
  return bytes
}

/** `n` choices of a thousand tokens for the text "a", with `logprobs` alternatives each. */
function everything(n: number, stream: boolean, logprobs = 20): Buffer {
  const sampling = [0x40, ...varint(1000), 0x70, 1, 0x78, ...varint(n), 0xb0, 1, ...varint(logprobs)]
  return framed(Uint8Array.from([0x1a, 1, 0x61, 0x22, sampling.length, ...sampling, ...(stream ? [0x28, 1] : [])]))
}

function open({ port }: Target, signal: AbortSignal, initialWindowSize = 65_535): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize } })
  session.on('error', () => {})
  signal.addEventListener('abort', () => session.destroy())
  return session
}

function call(session: ClientHttp2Session, body?: Buffer, path = generate): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.on('error', () => {})
  if (body) stream.end(body)
  return stream
}

/** Four megabytes of a field of two bytes, in one message. */
const tiny = (name: string, path: string, tag: number): Row => {
  const body = framed(Buffer.alloc(4_000_000, Uint8Array.of(tag, 0)))
  return {
    name,
    attack: async (target, signal) => {
      const stream = call(open(target, signal), body, path).resume()
      await Promise.race([once(stream, 'close'), aborted(signal)])
    },
  }
}

/** A field of this number, of bytes or what is written as such. */
function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes])
}

/** A long message, which contains one field after another that takes little to send. */
const long = (name: string, message: Buffer, path = generate): Row => ({
  name,
  attack: async (target, signal) => {
    const stream = call(open(target, signal, 2 ** 24), framed(message), path).resume()
    await Promise.race([once(stream, 'close'), once(signal, 'abort')])
  },
})

/** Numbers of a byte, packed; or 8,000,000 fields of number 10 that are empty texts. */
const numbers = Buffer.alloc(16_000_000, 1)
const texts = Buffer.alloc(16_000_000, Uint8Array.of((10 << 3) | 2, 0))

const idsAsJson = `{"tokenized":{"inputIds":[${'1,'.repeat(2_000_000)}1]}}`

/** The same engine through the other door. */
export const grpcRows: readonly Row[] = [
  {
    name: 'a thousand choices with all logprobs over gRPC',
    attack: async (target, signal) => {
      const stream = call(open(target, signal, 2 ** 24), everything(1005, true))
      stream.resume()
      await Promise.race([once(stream, 'close'), aborted(signal)])
    },
  },
  {
    name: 'the same to two hundred calls that nobody reads',
    attack: async (target, signal) => {
      const session = open(target, signal, 1)
      for (const _ of times(200, i => i)) call(session, everything(20, true)).pause()
      await aborted(signal)
    },
  },
  {
    name: 'three thousand calls that are cancelled',
    attack: async (target, signal) => {
      const session = open(target, signal)
      for (let round = 0; round < 30 && !signal.aborted; round++) {
        const calls = times(100, () => call(session, everything(1, true, 0)))
        await new Promise(resolve => setTimeout(resolve, 5))
        for (const one of calls) one.close(constants.NGHTTP2_CANCEL)
      }
    },
  },
  {
    name: 'messages that say 64 MiB and stop after a byte',
    attack: async (target, signal) => {
      const session = open(target, signal)
      for (const _ of times(500, i => i)) call(session).write(framed(Uint8Array.of(0x1a), 64 * 2 ** 20))
      await aborted(signal)
    },
  },
  tiny('two million messages inside of one', generate, (11 << 3) | 2),
  long('sixteen million ids of a prompt', field(2, field(2, numbers))),
  long('sixteen million ids of a prompt for a vector', field(2, field(2, numbers)), embed),
  long('sixteen million ids that end the answer', field(4, field(11, numbers))),
  long('eight million texts that end the answer', field(4, texts)),
  long('a prompt of sixteen million letters', field(3, Buffer.alloc(16_000_000, 'a '))),
  {
    name: 'two million ids for a vector as JSON',
    attack: (target, signal) => post(target, embed, idsAsJson, signal, { 'content-type': 'application/json' }),
  },
  tiny('two million fields that nobody knows', embed, (11 << 3) | 2),
  {
    name: 'four hundred messages of which a half was sent, on fifty connections',
    wait: 500,
    // What is held is bounded to a quarter of it; how much of the rest V8 has given back is chance.
    memory: 350,
    attack: async (target, signal) => {
      const half = framed(new Uint8Array(2 ** 21), 2 ** 22)
      for (const session of times(50, () => open(target, signal)))
        for (const _ of times(8, i => i)) call(session).write(half)
      await aborted(signal)
    },
  },
  {
    name: 'the preface, and then garbage, on three hundred connections',
    attack: async ({ port }, signal) => {
      await Promise.all(
        times(300, async () => {
          const socket = connectSocket(port, '127.0.0.1')
          socket.on('error', () => {}).resume()
          signal.addEventListener('abort', () => socket.destroy())
          socket.end(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(64_000, 0xff)]))
          await once(socket, 'close')
        }),
      )
    },
  },
]
