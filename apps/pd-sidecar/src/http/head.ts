/** The beginning of an answer. */
export interface ResponseHead {
  readonly status: number
  readonly reason: string
  /** The answer is of HTTP/1.1, not of 1.0. */
  readonly modern: boolean
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[]
}

/** What came is not HTTP/1, or more than is taken. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code = 'EPROTOCOL'
}

/** Bytes of a head, status line included. */
export const largestHead = 1024 * 1024

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\r\n\0]*))?$/
const headerLine = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+):[ \t]*(.*?)[ \t]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that no header may have
const control = /[\x00-\x08\x0a-\x1f\x7f]/

/** Reads a head that ends with an empty line. @throws ProtocolError */
export function parseHead(bytes: Buffer): ResponseHead {
  const lines = bytes.toString('latin1').split('\r\n')
  const status = statusLine.exec(lines[0]!)
  if (status === null || control.test(lines[0]!)) throw new ProtocolError('malformed HTTP response: no status line')
  return {
    status: Number(status[2]),
    reason: status[3] ?? '',
    modern: status[1] === '1',
    headers: parseHeaders(lines.slice(1)),
  }
}

/** Reads header lines, or trailers, up to an empty one. @throws ProtocolError */
export function parseHeaders(lines: readonly string[]): string[] {
  const headers: string[] = []
  for (const line of lines) {
    if (line === '') break
    const header = headerLine.exec(line)
    if (header === null || control.test(line)) throw new ProtocolError('malformed HTTP response: a header is not one')
    headers.push(header[1]!, header[2]!)
  }
  return headers
}

/** How the end of a body is told. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

/** How the body of an answer ends (RFC 9112, 6.3). @throws ProtocolError when its headers contradict each other */
export function framingOf({ status, headers }: ResponseHead, method: string): Framing {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' }
  let length: string | undefined
  let coding: string | undefined
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      const value = headers[at + 1]!
      if (!/^\d{1,15}$/.test(value) || (length !== undefined && length !== value)) {
        throw new ProtocolError('malformed HTTP response: bad Content-Length')
      }
      length = value
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      coding = coding === undefined ? headers[at + 1]! : `${coding}, ${headers[at + 1]}`
    }
  }
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked')
      throw new ProtocolError(`unsupported transfer encoding ${JSON.stringify(coding)}`)
    return { kind: 'chunked' }
  }
  if (length === undefined) return { kind: 'close' }
  return length === '0' ? { kind: 'none' } : { kind: 'length', length: Number(length) }
}

/** Whether the connection may be used again after the answer. */
export function keepsAlive({ modern, headers }: ResponseHead): boolean {
  if (!modern) return false
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]!.length === 10 && headers[at]!.toLowerCase() === 'connection') {
      if (/(^|,)\s*close\s*(,|$)/i.test(headers[at + 1]!)) return false
    }
  }
  return true
}
