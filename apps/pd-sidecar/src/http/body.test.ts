import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BodyReader } from './body.ts'
import type { Framing } from './head.ts'

/** What comes of a body that arrives in pieces which end at `cuts`. */
function read(framing: Framing, wire: string, { raw = false, cuts = [] as number[] } = {}) {
  const out: Buffer[] = []
  let trailers: readonly string[] | undefined
  const sink = {
    data: (piece: Buffer) => out.push(piece) > 0,
    end: (all: readonly string[]) => void (trailers = all),
    failed: () => {},
    holds: false,
  }
  const reader = new BodyReader(framing, raw, sink)
  const bytes = Buffer.from(wire, 'latin1')
  const ends = [...new Set(cuts.map(cut => cut % (bytes.length + 1))), bytes.length].sort((a, b) => a - b)
  let from = 0
  for (const end of ends) {
    if (end > from) reader.push(bytes.subarray(from, end))
    from = end
  }
  const complete = reader.finish()
  return { text: Buffer.concat(out).toString('latin1'), trailers, complete }
}

const chunked = { kind: 'chunked' } as const

describe('chunks', () => {
  const pieces = fc.array(fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }), { maxLength: 6 })

  test('are taken apart, or handed on up to the last one, however they arrive', () => {
    fc.assert(
      fc.property(
        pieces,
        fc.array(fc.nat()),
        fc.constantFrom('', ';a=b'),
        fc.boolean(),
        (all, cuts, extension, upper) => {
          const size = (text: string) => (upper ? text.length.toString(16).toUpperCase() : text.length.toString(16))
          const wire = all.map(one => `${size(one)}${extension}\r\n${one}\r\n`).join('')
          const end = '0\r\nx-a: 1\r\n\r\n'
          const expected = { trailers: ['x-a', '1'], complete: true }
          expect(read(chunked, wire + end, { cuts })).toEqual({ text: all.join(''), ...expected })
          expect(read(chunked, wire + end, { cuts, raw: true })).toEqual({ text: wire, ...expected })
        },
      ),
    )
  })

  test.each([
    'x\r\n',
    '5\r\nhelloX\r\n',
    '5\nhello',
    '-1\r\n',
    '\r\n',
    '1;\n',
    '0\r\nno header\r\n\r\n',
    `${'0'.repeat(5000)}1\r\n`,
    '0\r\n\r\nmore',
  ])('%j are none', wire => {
    expect(() => read(chunked, wire)).toThrow()
    expect(() => read(chunked, wire, { raw: true })).toThrow()
  })

  test('without the last one are not complete', () => {
    expect(read(chunked, '5\r\nhello\r\n').complete).toBe(false)
    expect(read(chunked, '5\r\nhel').complete).toBe(false)
  })
})

test('a length is kept to', () => {
  expect(read({ kind: 'length', length: 5 }, 'hello', { cuts: [2] })).toEqual({
    text: 'hello',
    trailers: [],
    complete: true,
  })
  expect(read({ kind: 'length', length: 6 }, 'hello').complete).toBe(false)
  expect(() => read({ kind: 'length', length: 4 }, 'hello')).toThrow('more bytes than the HTTP response says')
})

test('a body up to the end of the connection is complete then', () => {
  expect(read({ kind: 'close' }, 'hello')).toEqual({ text: 'hello', trailers: [], complete: true })
})

test('no body is complete at once', () => {
  expect(read({ kind: 'none' }, '')).toEqual({ text: '', trailers: [], complete: true })
  expect(() => read({ kind: 'none' }, 'x')).toThrow('more bytes than the HTTP response says')
})
