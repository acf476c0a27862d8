import { describe, expect, test } from 'vitest'
import { framingOf, keepsAlive, parseHead } from './head.ts'

const head = (text: string) => parseHead(Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1'))

test('a head', () => {
  expect(head('HTTP/1.1 200 OK\nA:  b c \nx-Y:\n\n')).toEqual({
    status: 200,
    reason: 'OK',
    modern: true,
    headers: ['A', 'b c', 'x-Y', ''],
  })
  expect(head('HTTP/1.0 404\n\n')).toMatchObject({ status: 404, reason: '', modern: false })
})

test.each([
  'HTTP/2 200 OK\n\n',
  'HTTP/1.1 20 OK\n\n',
  'HTTP/1.1 099 OK\n\n',
  'garbage\n\n',
  'HTTP/1.1 200 OK\nno colon\n\n',
  'HTTP/1.1 200 OK\na b: c\n\n',
  'HTTP/1.1 200 OK\n folded: x\n\n',
  'HTTP/1.1 200 OK\na: b\x00c\n\n',
  'HTTP/1.1 200 O\x01K\n\n',
])('%j is none', text => {
  expect(() => head(text)).toThrow('malformed HTTP response')
})

describe('the end of a body', () => {
  test.each([
    ['content-length: 5', 'GET', { kind: 'length', length: 5 }],
    ['content-length: 0', 'GET', { kind: 'none' }],
    ['content-length: 5\ncontent-length: 5', 'GET', { kind: 'length', length: 5 }],
    ['transfer-encoding: Chunked', 'GET', { kind: 'chunked' }],
    ['transfer-encoding: chunked\ncontent-length: 5', 'GET', { kind: 'chunked' }],
    ['a: b', 'GET', { kind: 'close' }],
    ['content-length: 5', 'HEAD', { kind: 'none' }],
  ])('%j to %s: %j', (lines, method, framing) => {
    expect(framingOf(head(`HTTP/1.1 200 OK\n${lines}\n\n`), method)).toEqual(framing)
  })

  test.each([
    'content-length: 5\ncontent-length: 6',
    'content-length: -1',
    'content-length: 5, 5',
    'transfer-encoding: gzip, chunked',
  ])('%j is refused', lines => {
    expect(() => framingOf(head(`HTTP/1.1 200 OK\n${lines}\n\n`), 'GET')).toThrow()
  })

  test.each([204, 304])('%i has none', status => {
    expect(framingOf(head(`HTTP/1.1 ${status} X\ncontent-length: 5\n\n`), 'GET')).toEqual({ kind: 'none' })
  })
})

test.each([
  ['HTTP/1.1 200 OK\n\n', true],
  ['HTTP/1.1 200 OK\nConnection: keep-alive\n\n', true],
  ['HTTP/1.1 200 OK\nConnection: x, Close\n\n', false],
  ['HTTP/1.0 200 OK\nConnection: keep-alive\n\n', false],
])('%j: used again %s', (text, again) => {
  expect(keepsAlive(head(text))).toBe(again)
})
