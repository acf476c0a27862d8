import { once } from 'node:events'
import { type OutgoingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from './target.ts'

export interface Answer {
  /** 0 when none came: the connection was refused, cut or given up. */
  readonly status: number
  /** The first 4 MB of the body. */
  readonly text: string
  readonly bytes: number
}

const kept = 4 * 2 ** 20

/** Posts a body, an object as JSON, and reads the answer. Never rejects. */
export function post(
  target: Target,
  path: string,
  body: unknown,
  signal?: AbortSignal,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  return ask(target, 'POST', path, text, signal, headers)
}

export function get(target: Target, path: string, signal?: AbortSignal): Promise<Answer> {
  return ask(target, 'GET', path, '', signal)
}

function ask(
  { port }: Target,
  method: string,
  path: string,
  body: string | Buffer,
  signal?: AbortSignal,
  more?: OutgoingHttpHeaders,
): Promise<Answer> {
  return new Promise(resolve => {
    let status = 0
    let bytes = 0
    const chunks: Buffer[] = []
    const end = (): void => resolve({ status, bytes, text: Buffer.concat(chunks).toString() })
    const headers = { ...more, 'content-length': Buffer.byteLength(body) }
    const req = request({ port, host: '127.0.0.1', method, path, agent: false, headers }, res => {
      status = res.statusCode ?? 0
      res.on('data', (chunk: Buffer) => {
        if (bytes < kept) chunks.push(chunk)
        bytes += chunk.length
      })
      res.on('close', end).on('error', end)
    })
    req.on('error', end)
    const leave = (): void => {
      req.destroy()
      end()
    }
    if (signal?.aborted) return leave()
    signal?.addEventListener('abort', leave)
    req.end(body)
  })
}

/** The bytes of a POST request. */
export function postBytes(path: string, body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}

/** A connection that sends these bytes and reads nothing. It is cut when the signal comes. */
export async function unread({ port }: Target, bytes: string | Buffer, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  signal.addEventListener('abort', () => socket.destroy())
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  socket.write(bytes)
  return socket
}

/** How long an attack that has done its worst stays as it is, in milliseconds, unless it is ended before. */
const staying = process.env['FULL'] ? 10_000 : 400

/** Resolves when the signal comes, or when the attack has stayed for long enough to see that it gets no worse. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await Promise.race([once(signal, 'abort'), sleep(staying)])
}
