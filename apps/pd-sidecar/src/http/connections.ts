import { connect as connectPlain, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { Clock, Timer } from '@vllm-sim/latency'
import { formatTarget, type Target } from '@vllm-sim/pd-protocol'

/** Where a leg goes. */
export interface Upstream extends Target {
  /** Undefined: in clear text. */
  readonly tls?: ConnectionOptions | undefined
}

/** Takes what happens on a connection. */
export interface ConnectionUser {
  /** @param bytes are written over after the call, unless `holds` says that they are still needed */
  data(bytes: Buffer): void
  /** Bytes of the last call wait to be written. */
  readonly holds: boolean
  /** What was held back is written; more can be. */
  drained(): void
  /** The other side is done, or the connection broke (then with a reason). */
  closed(error?: Error): void
}

/** Milliseconds that a connection may stay unused. Servers such as uvicorn close theirs after 5 s, and a request must not meet that. */
const longestIdle = 4000
const dialTimeout = 30_000
/** Bytes that are read at once: few for a stream, more when they are there. */
const smallestRead = 4 * 1024
const largestRead = 64 * 1024
const handshakeTimeout = 10_000

/** Memory that a socket reads into, and what takes the bytes. */
interface ReadInto {
  buffer(): Uint8Array
  callback(size: number, bytes: Uint8Array): boolean
}

/** A connection to a server, for one request after another. */
export class Connection {
  readonly socket: Socket
  /** It has served a request before. */
  used = false
  user: ConnectionUser | undefined
  idleSince = 0

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    // Each is called once per event; who uses the connection changes.
    socket.on('data', (bytes: Buffer) => this.take(bytes))
    socket.on('drain', () => this.user?.drained())
    socket.on('end', () => this.#closed())
    socket.on('error', error => this.#closed(error))
    socket.on('close', () => this.#closed())
  }

  /** Takes bytes that arrived. @returns whether they are still needed */
  take(bytes: Buffer): boolean {
    const { user } = this
    if (user === undefined) {
      this.socket.destroy()
      return false
    }
    user.data(bytes)
    return user.holds
  }

  #closed(error?: Error): void {
    const { user } = this
    this.user = undefined
    this.socket.destroy()
    user?.closed(error)
  }
}

/** Connections to all servers, kept for some seconds. */
export class ConnectionPool {
  readonly #clock: Clock
  readonly #mostIdle: number
  readonly #idle = new Map<string, Connection[]>()
  #sweep: Timer | undefined
  /** @param mostIdle connections that are kept for each server */
  constructor(clock: Clock, mostIdle: number) {
    this.#clock = clock
    this.#mostIdle = mostIdle
  }

  /** The connection to a server that was used last, or undefined. */
  take(upstream: Upstream): Connection | undefined {
    const list = this.#idle.get(keyOf(upstream))
    for (let found = list?.pop(); found !== undefined; found = list?.pop()) {
      if (!found.socket.destroyed && this.#clock.now() - found.idleSince < longestIdle) return found
      found.socket.destroy()
    }
    return undefined
  }

  /** Takes back a connection on which nothing is under way. */
  release(upstream: Upstream, connection: Connection): void {
    connection.user = undefined
    const key = keyOf(upstream)
    const list = this.#idle.get(key) ?? []
    if (list.length >= this.#mostIdle || connection.socket.destroyed) {
      connection.socket.destroy()
      return
    }
    connection.used = true
    connection.idleSince = this.#clock.now()
    this.#idle.set(key, list)
    list.push(connection)
    this.#sweep ??= this.#clock.timer(longestIdle, () => this.#dropIdle())
  }

  /** Opens a connection. Rejects with the reason, or when the signal comes. */
  async open(upstream: Upstream, signal: AbortSignal | undefined): Promise<Connection> {
    if (upstream.tls !== undefined) return new Connection(await this.dial(upstream, signal))
    let connection: Connection | undefined
    // Of this connection alone. Node's own way is a new one for each read.
    let buffer = Buffer.allocUnsafeSlow(smallestRead)
    const onread: ReadInto = {
      buffer: () => buffer,
      callback(size, bytes) {
        const held = connection?.take(Buffer.from(bytes.buffer, bytes.byteOffset, size))
        if (size === buffer.length && size < largestRead) buffer = Buffer.allocUnsafeSlow(4 * size)
        else if (held) buffer = Buffer.allocUnsafeSlow(buffer.length)
        return true
      },
    }
    const socket = await this.dial(upstream, signal, onread)
    connection = new Connection(socket)
    return connection
  }

  /** Opens a socket that is nobody's yet. Rejects as `open` does. */
  async dial(upstream: Upstream, signal: AbortSignal | undefined, onread?: ReadInto): Promise<Socket> {
    signal?.throwIfAborted()
    const { host, port, tls } = upstream
    const socket =
      tls === undefined
        ? connectPlain({
            host,
            port,
            ...(onread ? { onread } : undefined),
          })
        : (await import('node:tls')).connect({ host, port, ...tls })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const limit = tls === undefined ? dialTimeout : dialTimeout + handshakeTimeout
    const timer = this.#clock.timer(limit, () =>
      socket.destroy(new Error(`dial tcp ${formatTarget(upstream)}: i/o timeout`)),
    )
    const left = (): void => void socket.destroy(new Error('the client left'))
    const closed = (): void => reject(new Error('the connection was closed while it was being made'))
    signal?.addEventListener('abort', left)
    socket.once('error', reject)
    socket.once('close', closed)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve)
    try {
      await promise
      return socket
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', left)
      socket.off('close', closed)
      // An error that comes after the first one has no one to go to.
      socket.on('error', () => {})
      socket.off('error', reject)
    }
  }

  /** Closes those that are idle. */
  close(): void {
    this.#sweep?.cancel()
    this.#sweep = undefined
    for (const list of this.#idle.values()) for (const { socket } of list) socket.destroy()
    this.#idle.clear()
  }

  #dropIdle(): void {
    this.#sweep = undefined
    const now = this.#clock.now()
    for (const [key, list] of this.#idle) {
      const young: Connection[] = []
      for (const one of list) {
        if (!one.socket.destroyed && now - one.idleSince < longestIdle) young.push(one)
        else one.socket.destroy()
      }
      if (young.length > 0) this.#idle.set(key, young)
      else this.#idle.delete(key)
    }
    if (this.#idle.size > 0) this.#sweep = this.#clock.timer(longestIdle / 4, () => this.#dropIdle())
  }
}

function keyOf({ host, port, tls }: Upstream): string {
  return `${tls === undefined ? '' : 's'}${host}|${port}`
}
