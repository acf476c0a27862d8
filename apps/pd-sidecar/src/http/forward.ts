import type { IncomingMessage } from 'node:http'

/** Headers of one connection (RFC 9110, 7.6.1), which is where they end. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Written anew on each leg. */
const framing: ReadonlySet<string> = new Set(['content-length', 'expect', 'x-forwarded-for'])

/** What a leg's head leaves out and adds. */
export interface HeaderChanges {
  /** Names in small letters. */
  readonly without?: ReadonlySet<string> | undefined
  /** Lines to add, as names and values. */
  readonly add?: readonly (readonly [name: string, value: string])[]
}

/** Lines of a request's head for a leg: the client's, but for those of its connection, and its address. */
export function forwardedHeaders(req: IncomingMessage, { without, add = [] }: HeaderChanges): string {
  const { rawHeaders } = req
  const named = connectionNames(req)
  let lines = ''
  let forwardedFor = ''
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    const small = name.toLowerCase()
    if (small === 'x-forwarded-for') forwardedFor += `${rawHeaders[at + 1]}, `
    if (hopByHop.has(small) || framing.has(small) || without?.has(small) || named?.has(small)) continue
    lines += `${name}: ${rawHeaders[at + 1]}\r\n`
  }
  if (req.headers.te?.includes('trailers')) lines += 'te: trailers\r\n'
  for (const [name, value] of add) lines += `${name}: ${value}\r\n`
  const { remoteAddress = '' } = req.socket
  return `${lines}x-forwarded-for: ${forwardedFor}${remoteAddress.replace(/^::ffff:/, '')}\r\n`
}

/** Headers of an answer for the client, without those of its connection. @param without further names in small letters */
export function answerHeaders(headers: readonly string[], without?: ReadonlySet<string>): string[] {
  const kept: string[] = []
  let named: ReadonlySet<string> | undefined
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]!.toLowerCase() === 'connection') named = new Set([...(named ?? []), ...tokens(headers[at + 1]!)])
  }
  for (let at = 0; at < headers.length; at += 2) {
    const small = headers[at]!.toLowerCase()
    if (!hopByHop.has(small) && !without?.has(small) && !named?.has(small)) kept.push(headers[at]!, headers[at + 1]!)
  }
  return kept
}

/** The value of a header, or undefined. @param name in small letters */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let at = 0; at < headers.length; at += 2) if (headers[at]!.toLowerCase() === name) return headers[at + 1]
  return undefined
}

function connectionNames({ headers }: IncomingMessage): ReadonlySet<string> | undefined {
  const { connection } = headers
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  return tokens(connection)
}

function tokens(list: string): ReadonlySet<string> {
  return new Set(
    list
      .toLowerCase()
      .split(',')
      .map(one => one.trim()),
  )
}
