import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConnectionPool } from '../http/connections.ts'
import { forwardedHeaders } from '../http/forward.ts'
import type { Rank } from './context.ts'

const badGateway = 'HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'

/**
 * Passes a request that asks for another protocol on, and everything after it in both directions. A decoder that does not change the
 * protocol has its answer passed on all the same, and the connection ends with it.
 */
export async function passUpgrade(
  pool: ConnectionPool,
  { decoder }: Rank,
  req: IncomingMessage,
  client: Duplex,
  first: Buffer,
): Promise<void> {
  const left = new AbortController()
  const leave = (): void => left.abort()
  client.on('error', () => client.destroy())
  client.once('close', leave)
  try {
    const socket = await pool.dial(decoder, left.signal)
    socket.on('error', () => client.destroy())
    client.once('close', () => socket.destroy())
    socket.once('close', () => client.destroy())
    const { upgrade = '', 'content-length': length } = req.headers
    const body = length === undefined ? '' : `content-length: ${length}\r\n`
    const head = `${forwardedHeaders(req, {})}connection: upgrade\r\nupgrade: ${upgrade}\r\n${body}`
    socket.write(`${req.method} ${req.url} HTTP/1.1\r\n${head}\r\n`, 'latin1')
    if (first.length > 0) socket.write(first)
    socket.pipe(client)
    client.pipe(socket)
  } catch {
    client.end(badGateway)
  } finally {
    client.off('close', leave)
  }
}
