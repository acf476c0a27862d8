import { connect, type Socket } from 'node:net'

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Chunked framing is taken off. */
  readonly body: string
}

/** A client that sends bytes as it likes. */
export class RawClient {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #ended = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    const wake = (): void => {
      this.#wake?.()
      this.#wake = undefined
    }
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      wake()
    })
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#ended = true
        wake()
      })
    }
  }

  /** @param url `http://<host>:<port>` of the server */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RawClient(socket)
  }

  send(data: string | Buffer): void {
    this.socket.write(data)
  }

  /** Everything that has come until `enough` says so, or until the server closes its side. */
  async receive(enough: (text: string) => boolean): Promise<string> {
    while (!this.#ended && !enough(this.#received.toString('latin1'))) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#received.toString('latin1')
  }

  /** The next answer; HEAD's, which have no body, with `bodyless`. @throws when the connection ends within it */
  async answer(bodyless = false): Promise<RawAnswer> {
    for (;;) {
      const parsed = parseAnswer(this.#received, this.#ended, bodyless)
      if (parsed) {
        this.#received = this.#received.subarray(parsed.length)
        return parsed.answer
      }
      if (this.#ended) throw new Error(`connection ended within an answer: ${this.#received.toString('latin1')}`)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Whether the server has closed its side. */
  async closed(): Promise<boolean> {
    await this.receive(() => false)
    return this.#ended
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }
}

/** The text of a POST request with a JSON body. */
export function rawPost(path: string, body: unknown, headers = '', version = '1.1'): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return (
    `POST ${path} HTTP/${version}\r\nHost: x\r\nContent-Type: application/json\r\n${headers}` +
    `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  )
}

function parseAnswer(
  bytes: Buffer,
  ended: boolean,
  bodyless: boolean,
): { answer: RawAnswer; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const start = headEnd + 4
  const found = (body: Buffer, end: number) => ({ answer: { status, headers, body: body.toString() }, length: end })
  if (bodyless || status === 100 || status === 204) return found(Buffer.alloc(0), start)
  if (headers['transfer-encoding'] === 'chunked') {
    const chunked = dechunk(bytes, start)
    return chunked && found(chunked.body, chunked.end)
  }
  if (headers['content-length'] !== undefined) {
    const end = start + Number(headers['content-length'])
    return bytes.length >= end ? found(bytes.subarray(start, end), end) : undefined
  }
  return ended ? found(bytes.subarray(start), bytes.length) : undefined
}

function dechunk(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const line = bytes.subarray(at, lineEnd).toString('latin1')
    if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`)
    const size = Number.parseInt(line, 16)
    const end = lineEnd + 2 + size
    if (bytes.length < end + 2) return undefined
    if (bytes.subarray(end, end + 2).toString() !== '\r\n') throw new Error('a chunk does not end where it says')
    if (size === 0) return { body: Buffer.concat(parts), end: end + 2 }
    parts.push(bytes.subarray(lineEnd + 2, end))
    at = end + 2
  }
}
