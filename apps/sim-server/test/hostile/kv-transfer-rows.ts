import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from './budget.ts'
import { type Answer, post } from './client.ts'
import { chat, messages, times } from './requests.ts'
import type { Target } from './target.ts'

const prompt = 'word '.repeat(200)

/** A decode whose blocks are said to be at this port. */
function decode(port: number, host = '127.0.0.1'): object {
  const ids = { remote_engine_id: 'e', remote_request_id: 'r', remote_block_ids: [[1, 2]] }
  const kv_transfer_params = { do_remote_prefill: true, remote_host: host, remote_port: port, ...ids }
  return { model: 'm', messages, max_tokens: 1, kv_transfer_params }
}

/** Sends bytes to the side channel, the port after that of HTTP. */
function say({ port }: Target, bytes: Buffer, signal: AbortSignal): Socket {
  const socket = connect(port + 1, '127.0.0.1').on('error', () => {})
  signal.addEventListener('abort', () => socket.destroy())
  socket.resume().write(bytes)
  return socket
}

function framed(text: string, length = text.length): Buffer {
  const bytes = Buffer.alloc(4 + text.length)
  bytes.writeUInt32BE(length)
  bytes.write(text, 4)
  return bytes
}

const question = framed('{"version":1,"type":"take","engine_id":"e","request_id":"r","decoder_engine_id":"d"}')

/** Against a server that hands KV blocks over and takes them. */
export const kvTransferRows: readonly Row[] = [
  {
    name: 'a side channel full of garbage, silence and questions',
    attack: async (target, signal) => {
      const garbage = [
        Buffer.alloc(2 ** 20),
        framed('{', 2 ** 31),
        framed('['.repeat(4000)),
        Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      ]
      for (const bytes of times(400, i => garbage[i % garbage.length]!)) say(target, bytes, signal)
      for (const _ of times(400, i => i)) say(target, framed('', 4000), signal)
      for (let round = 0; round < 20 && !signal.aborted; round++) {
        const asked = times(200, () => say(target, question, signal))
        await Promise.race([Promise.all(asked.map(socket => once(socket, 'close'))), sleep(200)])
      }
    },
  },
  {
    name: 'a thousand decodes whose blocks are at addresses that are not there',
    // A thousand connections are accepted one by one, and another one waits behind them.
    wait: 500,
    attack: (target, signal) =>
      Promise.all(
        times(1000, i => post(target, chat, decode(i % 2 ? 9 : 1, i % 3 ? '192.0.2.1' : '127.0.0.1'), signal)),
      ),
  },
  {
    name: 'five hundred decodes whose peer is silent, or answers without an end',
    attack: async (target, signal) => {
      const sockets: Socket[] = []
      const endless = Buffer.alloc(2 ** 16, 'x')
      const peer = createServer(socket => {
        const silent = sockets.push(socket.on('error', () => {})) % 2 === 0
        const flood = (): void => void (socket.writable && socket.write(endless, flood))
        if (!silent) flood()
      })
      await new Promise<void>(resolve => peer.listen(0, '127.0.0.1', resolve))
      const { port } = peer.address() as { port: number }
      await Promise.all(times(500, () => post(target, chat, decode(port), signal)))
      for (const socket of sockets) socket.destroy()
      peer.close()
    },
  },
  {
    name: 'prefills that nobody decodes, and each decode twice',
    attack: async (target, signal) => {
      const prefill = { model: 'm', prompt, max_tokens: 1, kv_transfer_params: { do_remote_decode: true } }
      await Promise.all(times(300, () => post(target, '/v1/completions', prefill, signal)))
      for (let i = 0; i < 50 && !signal.aborted; i++) {
        const { text }: Answer = await post(target, '/v1/completions', prefill, signal)
        if (text === '') return
        const { kv_transfer_params } = JSON.parse(text) as { kv_transfer_params: object }
        const one = { model: 'm', prompt, max_tokens: 1, kv_transfer_params }
        await Promise.all(times(2, () => post(target, '/v1/completions', one, signal)))
      }
    },
  },
]
