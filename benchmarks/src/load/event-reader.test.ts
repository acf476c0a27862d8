import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventReader } from './event-reader.ts'

const wire =
  ': a comment\n\n' +
  'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n' +
  'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n' +
  'data: {"choices":[{"delta":{"content":"Hi \\"you\\" "}}]}\n\n' +
  'data:{"choices":[{"text": "ünïcode"}]}\r\n\r\n' +
  'event: ping\ndata: {"choices":[{"delta":{"content":null},"finish_reason":"length"}]}\n\n' +
  'data: {"error":{"message":"no"}}\n\n' +
  'data: [DONE]\n\n'

function read(bytes: Buffer, cuts: readonly number[]): string[] {
  const seen: string[] = []
  const reader = new EventReader({
    onChunk: text => seen.push(text ? 'text' : 'other'),
    onError: message => seen.push(message),
    onDone: () => seen.push('done'),
  })
  const ends = [0, ...cuts, bytes.length]
  for (let i = 1; i < ends.length; i++) reader.feed(bytes, ends[i - 1]!, ends[i]!)
  return seen
}

it('counts frames, and those with text, however they are cut', () => {
  const bytes = Buffer.from(wire)
  const expected = ['other', 'other', 'text', 'text', 'other', '{"error":{"message":"no"}}', 'done']
  expect(read(bytes, [])).toEqual(expected)
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), cuts => {
      expect(
        read(
          bytes,
          cuts.sort((a, b) => a - b),
        ),
      ).toEqual(expected)
    }),
  )
})

it('holds lines that are longer than its buffer', () => {
  const bytes = Buffer.from(`data: {"x":"${'y'.repeat(5000)}","choices":[{"text":"z"}]}\n\n`)
  expect(read(bytes, [100, 700, 4000])).toEqual(['text'])
})
