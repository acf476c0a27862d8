import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Timeline, VirtualClock } from '@vllm-sim/latency'
import { expect, onTestFinished, test } from 'vitest'
import { patient } from '../testing/instance.ts'
import { PatientClock } from '../testing/patient-clock.ts'
import { SideChannelClient } from './client.ts'
import { FrameReader, frame, longestMessage } from './frame.ts'
import type { TakeRequest } from './messages.ts'
import { SideChannelServer } from './server.ts'

const timeline = new Timeline(new PatientClock())
const question: TakeRequest = { engineId: 'p', requestId: 'r', decoderId: 'd' }

async function serve(on = timeline): Promise<{ port: number; asked: TakeRequest[] }> {
  const asked: TakeRequest[] = []
  const server = new SideChannelServer(on, request => {
    asked.push(request)
    return { blocks: 1, tokens: 16 }
  })
  const port = await server.open('127.0.0.1', 0)
  onTestFinished(() => server.close())
  return { port, asked }
}

/** A peer that answers every question with these bytes. */
async function answering(bytes: Buffer): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => {}).once('data', () => socket.write(bytes))
    onTestFinished(() => void socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}

function header(length: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}

test('a question and its answer', async () => {
  const { port, asked } = await serve()
  const taken = await new SideChannelClient(timeline).take({ host: '127.0.0.1', port }, question, patient)
  expect(taken).toEqual({ blocks: 1, tokens: 16 })
  expect(asked).toEqual([question])
})

test('a message may come byte by byte', () => {
  const reader = new FrameReader()
  const bytes = frame({ a: 'ö' })
  const messages = [...bytes].map(byte => reader.push(Buffer.of(byte)))
  expect(messages.at(-1)).toEqual({ a: 'ö' })
  expect(messages.slice(0, -1).every(message => message === undefined)).toBe(true)
})

const garbage: [string, Buffer][] = [
  ['HTTP', Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
  ['a length of 4 GiB', header(2 ** 32 - 1)],
  ['a length over the limit', header(longestMessage + 1)],
  ['no JSON', Buffer.concat([header(4), Buffer.from('{{{{')])],
  ['no object', frame([])],
  ['null', Buffer.concat([header(4), Buffer.from('null')])],
  ['deep JSON', Buffer.concat([header(4000), Buffer.from('['.repeat(4000))])],
  ['another version', frame({ version: 2, type: 'take', engine_id: 'p', request_id: 'r', decoder_engine_id: 'd' })],
  ['another type', frame({ version: 1, type: 'give' })],
  ['ids of other types', frame({ version: 1, type: 'take', engine_id: 1, request_id: {}, decoder_engine_id: null })],
  ['negative numbers', frame({ version: 1, type: 'blocks', num_blocks: -1, num_tokens: 1e300 })],
  ['another reason', frame({ version: 1, type: 'refused', reason: 'no'.repeat(1000) })],
  ['two messages', Buffer.concat([frame({}), frame({})])],
  ['megabytes', Buffer.alloc(2 ** 22)],
]

test.each(garbage)('a peer that answers with %s', async (_what, bytes) => {
  const port = await answering(bytes)
  const taken = await new SideChannelClient(timeline).take({ host: '127.0.0.1', port }, question, patient)
  expect(taken).toEqual({ failed: 'protocol' })
})

test('whoever asks with garbage is dropped without a byte, and others are answered', async () => {
  const { port, asked } = await serve()
  for (const [, bytes] of garbage) {
    const socket = connect(port, '127.0.0.1')
    let received = 0
    socket.on('data', data => {
      received += data.length
    })
    socket.on('error', () => {})
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.write(bytes)
    await closed
    expect(received).toBe(0)
  }
  expect(asked).toEqual([])
  const taken = await new SideChannelClient(timeline).take({ host: '127.0.0.1', port }, question, patient)
  expect(taken).toEqual({ blocks: 1, tokens: 16 })
})

test('a peer that says nothing has failed after three seconds, whoever waits for a connection as well', async () => {
  const clock = new VirtualClock()
  const accepted: Socket[] = []
  const silent = createServer(socket => void accepted.push(socket.on('error', () => {})))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  const peer = { host: '127.0.0.1', port: (silent.address() as { port: number }).port }
  const client = new SideChannelClient(new Timeline(clock))
  const all = Promise.all(Array.from({ length: 300 }, () => client.take(peer, question, patient)))
  clock.advance(0)
  await expect.poll(() => accepted.length).toBe(128)
  clock.advance(3000)
  expect(new Set((await all).map(one => 'failed' in one && one.failed))).toEqual(new Set(['timeout']))
})

test('connections that say nothing are dropped, thousands of questions at once are all answered', async () => {
  const clock = new VirtualClock()
  const { port } = await serve(new Timeline(clock))
  const silent: Socket[] = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  const ends = silent.map(socket => once(socket.resume(), 'close'))
  const client = new SideChannelClient(timeline)
  const all = await Promise.all(
    Array.from({ length: 2000 }, () => client.take({ host: '127.0.0.1', port }, question, patient)),
  )
  expect(all.filter(one => 'blocks' in one)).toHaveLength(2000)
  clock.advance(5000)
  await Promise.all(ends)
})
