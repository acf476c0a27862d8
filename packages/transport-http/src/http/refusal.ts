import { RequestError } from '@vllm-sim/core-engine'
import { errorBody } from './errors.ts'

/** What Node reports about a request that it could not read: status, its reason phrase, message. */
const problems: Readonly<Record<string, readonly [status: number, reason: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'Request header fields are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Payload Too Large', 'Chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive in time'],
}

/** The bytes of an answer to something that is no HTTP request; the connection ends with it. */
export function refusal({ code = '', message: detail }: NodeJS.ErrnoException): string {
  const [status, reason, message] = problems[code] ?? [400, 'Bad Request', `Malformed HTTP request: ${detail}`]
  const body = errorBody(new RequestError(status, message))
  return (
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
    `Connection: close\r\n\r\n${body}`
  )
}
