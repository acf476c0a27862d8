import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'

/** What an attack is aimed at. */
export interface Aim {
  readonly port: number
  /** A prefiller that answers at once. */
  readonly prefiller: string
  /** Servers that answer badly, by how. */
  readonly bad: Readonly<Record<BadServer, string>>
}

export type BadServer = 'endless 1xx' | 'endless head' | 'endless line'

interface Row {
  readonly name: string
  /** How long others may wait, milliseconds; 250 when absent. */
  readonly wait?: number
  /** Ends by itself. */
  readonly attack: (aim: Aim) => Promise<unknown>
}

const path = '/v1/chat/completions'
const MiB = 1024 * 1024

/** Sends a body in pieces; resolves with the status of the answer, 0: the connection was ended. */
function post({ port }: Aim, pieces: readonly Buffer[], headers: Record<string, string> = {}): Promise<number> {
  return new Promise(resolve => {
    const req = request({ host: '127.0.0.1', port, method: 'POST', path, headers, agent: false }, res => {
      res.resume()
      res.once('close', () => resolve(res.statusCode ?? 0))
    })
    req.on('error', () => resolve(0))
    const next = (at: number): void => {
      if (at === pieces.length || req.destroyed) req.end()
      else if (req.write(pieces[at]!)) setImmediate(next, at + 1)
      else req.once('drain', () => next(at + 1))
    }
    next(0)
  })
}

/** A connection on which a request was sent and from which nothing is read. */
async function unread({ port }: Aim, head: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.pause()
  socket.write(head)
  return socket
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))
const prompt = (bytes: number): Buffer[] => [
  Buffer.from('{"messages":"'),
  ...times(bytes / MiB, () => Buffer.alloc(MiB, 'x')),
  Buffer.from('"}'),
]
const to = (host: string) => ({ 'x-prefiller-host-port': host })

/** The worst requests that are known. */
export const rows: readonly Row[] = [
  { name: 'a prompt of 64 MiB', attack: aim => post(aim, prompt(64 * MiB), to(aim.prefiller)) },
  {
    name: 'fifty prompts of a megabyte',
    // Each is changed in its text in the turn in which it is complete, and several are in one turn.
    wait: 500,
    attack: aim => Promise.all(times(50, () => post(aim, prompt(MiB), to(aim.prefiller)))),
  },
  {
    name: '64 MiB of open arrays',
    attack: aim =>
      post(
        aim,
        times(64, () => Buffer.alloc(MiB, '[')),
        to(aim.prefiller),
      ),
  },
  {
    name: '16 MiB of small numbers',
    attack: aim =>
      post(
        aim,
        [Buffer.from('{"a":[0'), ...times(16, () => Buffer.alloc(MiB, ',0')), Buffer.from(']}')],
        to(aim.prefiller),
      ),
  },
  {
    name: 'millions of members of one name',
    attack: aim =>
      post(
        aim,
        [Buffer.from('{"a":0'), ...times(16, () => Buffer.from(',"stream":0'.repeat(90_000))), Buffer.from('}')],
        to(aim.prefiller),
      ),
  },
  {
    name: 'two thousand items of media',
    attack: aim => {
      const parts = times(2000, i => `{"type":"image_url","image_url":{"url":"http://a/${i}"}}`).join()
      return post(aim, [Buffer.from(`{"messages":[{"content":[${parts}]}]}`)], {
        'x-encoder-hosts-ports': aim.prefiller,
      })
    },
  },
  { name: 'a megabyte of targets', attack: aim => post(aim, [Buffer.from('{}')], to('a:1,'.repeat(250_000))) },
  {
    name: 'a body of one-byte chunks',
    attack: aim =>
      post(
        aim,
        times(50_000, () => Buffer.from(' ')),
        to(aim.prefiller),
      ),
  },
  {
    name: 'a prefiller with endless interim answers',
    attack: aim => post(aim, prompt(MiB), to(aim.bad['endless 1xx'])),
  },
  { name: 'a prefiller with an endless head', attack: aim => post(aim, prompt(MiB), to(aim.bad['endless head'])) },
  { name: 'a prefiller with an endless line', attack: aim => post(aim, prompt(MiB), to(aim.bad['endless line'])) },
  {
    name: 'a thousand clients that leave in mid-stream',
    attack: async aim => {
      for (let round = 0; round < 5; round++) {
        const sockets = await Promise.all(times(200, () => unread(aim, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')))
        for (const socket of sockets) socket.resume()
        await Promise.all(sockets.map(socket => once(socket, 'data')))
        for (const socket of sockets) socket.destroy()
      }
    },
  },
  {
    name: 'answers without end that nobody reads',
    attack: async aim => {
      const sockets = await Promise.all(times(10, () => unread(aim, 'GET /endless HTTP/1.1\r\nHost: x\r\n\r\n')))
      await new Promise(resolve => setTimeout(resolve, 500))
      for (const socket of sockets) socket.destroy()
    },
  },
]
