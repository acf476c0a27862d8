import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Logger } from '@vllm-sim/service'
import type { Handler } from '@vllm-sim/transport-http'

/** Bodies are logged up to this many bytes. */
const longestBody = 512 * 1024

/** Logs whole exchanges around a handler: two lines each, nothing masked. Bodies of streams are left out. */
export function logExchanges(handle: Handler, log: Logger): Handler {
  return (req, res) => {
    const sent = new BodyText()
    req.on('data', (chunk: Buffer) => sent.add(chunk))
    const answered = captureAnswer(res)
    res.once('close', () => {
      log.info(
        {
          method: req.method,
          requestURI: req.url,
          remoteAddr: remoteAddress(req),
          headers: headerText(req.headers),
          body: sent.text(),
        },
        'HTTP request',
      )
      const headers = res.getHeaders()
      const body = isStream(answered.headers ?? headers) ? '<streamed response body not logged>' : answered.body.text()
      log.info({ statusCode: res.statusCode, headers: headerText(answered.headers ?? headers), body }, 'HTTP response')
    })
    handle(req, res)
  }
}

interface Answer {
  readonly body: BodyText
  /** Headers given to `writeHead`, which `getHeaders` does not know. */
  headers: OutgoingHttpHeaders | undefined
}

function captureAnswer(res: ServerResponse): Answer {
  const answer: Answer = { body: new BodyText(), headers: undefined }
  const { writeHead, write, end } = res
  res.writeHead = ((...args: Parameters<typeof writeHead>) => {
    const last = args.at(-1)
    if (typeof last === 'object' && !Array.isArray(last)) answer.headers = { ...res.getHeaders(), ...last }
    return writeHead.apply(res, args)
  }) as typeof writeHead
  // Both take their further arguments in several orders; they are handed on as they are.
  res.write = ((...args: Parameters<typeof write>) => {
    answer.body.add(args[0])
    return write.apply(res, args)
  }) as typeof write
  res.end = ((...args: Parameters<typeof end>) => {
    answer.body.add(args[0])
    return end.apply(res, args)
  }) as typeof end
  return answer
}

/** Collects the beginning of a body and counts the rest. */
class BodyText {
  readonly #chunks: Buffer[] = []
  #size = 0

  add(chunk: unknown): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    const bytes = Buffer.from(chunk as string)
    if (this.#size < longestBody) this.#chunks.push(bytes.subarray(0, longestBody - this.#size))
    this.#size += bytes.length
  }

  text(): string {
    const text = Buffer.concat(this.#chunks).toString()
    return this.#size > longestBody ? `${text} ... [truncated, total ${this.#size} bytes]` : text
  }
}

function isStream(headers: OutgoingHttpHeaders): boolean {
  return String(headers['content-type'] ?? '').startsWith('text/event-stream')
}

function remoteAddress({ socket }: IncomingMessage): string {
  return socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`
}

function headerText(headers: OutgoingHttpHeaders | IncomingMessage['headers']): string {
  return Object.entries(headers)
    .flatMap(([name, value]) => [value].flat().map(one => `${name}: ${one}`))
    .join('\n')
}
