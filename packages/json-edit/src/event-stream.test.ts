import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventStreamEditor } from './event-stream.ts'
import { joined, type Pieces } from './text.ts'

const change = (data: Buffer): Pieces | undefined =>
  data.includes('7') ? [Buffer.from('<'), data, Buffer.from('>')] : undefined

/** What leaves, when `stream` arrives in pieces that end at `cuts`. */
function pass(stream: string, cuts: readonly number[] = []): string {
  const editor = new EventStreamEditor('"usage"', change)
  const bytes = Buffer.from(stream)
  const ends = [...new Set(cuts.map(cut => cut % (bytes.length + 1))), bytes.length].sort((a, b) => a - b)
  const out: Buffer[] = []
  let from = 0
  for (const end of ends) {
    if (end > from) out.push(...editor.push(bytes.subarray(from, end)))
    from = end
  }
  return joined([...out, ...editor.end()]).toString()
}

describe('an event stream', () => {
  test.each([
    ['data: {"usage":7}\n\n', 'data: <{"usage":7}>\n\n'],
    ['data: {"usage":7}\r\n\r\n', 'data: <{"usage":7}>\r\n\r\n'],
    ['data: {"usage":7}', 'data: <{"usage":7}>'],
    ['data: {"usage":1}\n\n', 'data: {"usage":1}\n\n'],
    ['data: {"text":7}\n\n', 'data: {"text":7}\n\n'],
    ['data:{"usage":7}\n\n', 'data:{"usage":7}\n\n'],
    ['event: "usage" 7\n: "usage" 7\n', 'event: "usage" 7\n: "usage" 7\n'],
    ['data: 7\n\ndata: "usage"7\n\ndata: [DONE]\n\n', 'data: 7\n\ndata: <"usage"7>\n\ndata: [DONE]\n\n'],
  ])('%j', (stream, result) => {
    expect(pass(stream)).toBe(result)
  })

  test('gives the same however it is cut', () => {
    const line = fc.constantFrom(
      'data: {"usage":7}',
      'data: {"usage":1}',
      'data: [DONE]',
      '',
      ': x',
      'event: y "usage"',
      'data: "é"',
    )
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), fc.constantFrom('\n', '\r\n'), (lines, cuts, end) => {
        const stream = lines.map(one => one + end).join('')
        expect(pass(stream, cuts)).toBe(pass(stream))
      }),
    )
  })

  test('a line leaves when it is complete, others at once', () => {
    const editor = new EventStreamEditor('"usage"', change)
    expect(joined(editor.push(Buffer.from('data: 1\n\ndata: {"us'))).toString()).toBe('data: 1\n\n')
    expect(editor.push(Buffer.from('age":'))).toEqual([])
    expect(joined(editor.push(Buffer.from('7}\n'))).toString()).toBe('data: <{"usage":7}>\n')
    expect(editor.end()).toEqual([])
  })

  test('a line over 16 MiB passes as it is', () => {
    const editor = new EventStreamEditor('"usage"', change)
    const long = Buffer.alloc(9 * 1024 * 1024, 'x')
    expect(editor.push(Buffer.from('data: "usage"7'))).toEqual([])
    expect(editor.push(long)).toEqual([])
    expect(editor.push(long)).toHaveLength(3)
    expect(joined(editor.push(Buffer.from('\ndata: "usage"7\n'))).toString()).toBe('\ndata: <"usage"7>\n')
  })
})
