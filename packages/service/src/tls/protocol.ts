import type { Socket } from 'node:net'
import type { Protocol } from '../listener/dispatcher.ts'
import type { TlsEndpoint } from './server.ts'

/** First byte of a TLS handshake record (RFC 8446, 5.1). */
const handshakeRecord = 0x16

const message = 'Client sent an HTTP request to an HTTPS server.\n'
const answer = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${message.length}\r\nConnection: close\r\n\r\n${message}`

/** How long a client may go on sending after it was refused, milliseconds, and how much, bytes. */
const patience = 1000
const mostDropped = 1024 * 1024

/** Connections that begin with a TLS handshake. */
export function tlsProtocol({ server }: TlsEndpoint): Protocol {
  return {
    recognizes: head => head[0] === handshakeRecord,
    serve: socket => server.emit('connection', socket),
  }
}

/** Everything else on a port that speaks TLS: it is told so and the connection ends. */
export const plainTextRefusal: Protocol = {
  recognizes: () => true,
  serve(socket: Socket) {
    socket.on('error', () => socket.destroy())
    socket.setTimeout(patience, () => socket.destroy())
    // What it still sends is read and dropped, or the answer could be lost in a reset.
    socket.on('data', () => {
      if (socket.bytesRead > mostDropped) socket.destroy()
    })
    socket.end(answer)
  },
}
