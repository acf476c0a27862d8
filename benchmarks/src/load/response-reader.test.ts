import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ResponseReader } from './response-reader.ts'

const wire =
  'HTTP/1.1 100 Continue\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' +
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
  '6\r\nchunk\n\r\n1f;a=b\r\n0123456789012345678901234567890\r\n0\r\nTrailer: x\r\n\r\n' +
  'HTTP/1.1 204 No Content\r\n\r\n' +
  'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

function read(pieces: readonly string[]): string[] {
  const seen: string[] = []
  let body = ''
  const reader = new ResponseReader({
    onHead: status => seen.push(`head ${status}`),
    onBody: (buffer, from, to) => {
      body += buffer.toString('latin1', from, to)
    },
    onEnd: reusable => {
      seen.push(`end ${JSON.stringify(body)} ${reusable}`)
      body = ''
    },
    onMalformed: problem => seen.push(`malformed: ${problem}`),
  })
  // As from a socket: a large buffer that holds older bytes behind the valid ones.
  const buffer = Buffer.alloc(4096, '\r\n')
  for (const piece of pieces) reader.feed(buffer, buffer.write(piece, 'latin1'))
  if (reader.close()) seen.push('closed')
  return seen
}

const expected = [
  'head 200',
  'end "hello" true',
  'head 200',
  'end "chunk\\n0123456789012345678901234567890" true',
  'head 204',
  'end "" true',
  'head 503',
  'end "" false',
]

it('reads answers however they are cut', () => {
  expect(read([wire])).toEqual(expected)
  expect(read([...wire])).toEqual(expected)
  fc.assert(
    fc.property(fc.array(fc.nat(wire.length), { maxLength: 20 }), cuts => {
      const ends = [0, ...cuts.sort((a, b) => a - b), wire.length]
      expect(read(ends.slice(1).map((end, at) => wire.slice(ends[at], end)))).toEqual(expected)
    }),
  )
})

it('takes the end of the connection for the end of an answer without length', () => {
  expect(read(['HTTP/1.1 200 OK\r\n\r\nto the end'])).toEqual(['head 200', 'end "to the end" false', 'closed'])
})

it('tells what is not HTTP', () => {
  expect(read(['SSH-2.0-OpenSSH\r\n\r\n'])).toEqual(['malformed: no status line'])
  expect(read(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'])).toEqual([
    'head 200',
    'malformed: bad chunk size "zz\\r"',
  ])
  expect(read(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n'])).toContain(
    'malformed: a chunk is longer than it says',
  )
})
