import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonSplitter } from './json-splitter.ts'

function split(text: string | Buffer, chunkSize = Number.POSITIVE_INFINITY): unknown[] {
  const bytes = Buffer.from(text)
  const splitter = new JsonSplitter()
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length; at += chunkSize)
    records.push(...splitter.push(bytes.subarray(at, at + chunkSize)))
  records.push(...splitter.finish())
  return records.map(record => JSON.parse(record.toString()))
}

test('whatever the values, their layout and the size of the chunks: an array and JSONL give them back', () => {
  const layout = fc.constantFrom(undefined, 2, '\t')
  fc.assert(
    fc.property(
      fc.array(fc.json().map(text => JSON.parse(text))),
      layout,
      fc.integer({ min: 1, max: 40 }),
      (values, space, size) => {
        expect(split(JSON.stringify(values, undefined, space), size)).toEqual(values)
        const lines = values.slice(values.findIndex(value => !Array.isArray(value)) >>> 0)
        if (lines.length > 0) {
          expect(split(lines.map(value => JSON.stringify(value)).join('\n'), size)).toEqual(lines)
          expect(split(lines.map(value => `${JSON.stringify(value)}\r\n`).join(''), size)).toEqual(lines)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test.each([
  ['[]', []],
  [' [ 1 , "a]" ] \n', [1, 'a]']],
  ['\ufeff[{"a":"\\"}"}]', [{ a: '"}' }]],
  ['{"a":[1]}{"b":2}', [{ a: [1] }, { b: 2 }]],
  ['1 2\n', [1, 2]],
  ['{"text":"日本語 🎈"}', [{ text: '日本語 🎈' }]],
])('%j is cut into records', (text, records) => {
  expect(split(text)).toEqual(records)
  expect(split(text, 1)).toEqual(records)
})

test.each([
  ['', 'unmarshal: unexpected end of JSON input after 0 records'],
  ['[1, 2', 'unmarshal: unexpected end of JSON input: record 2, which begins at byte 4, has no end'],
  ['[{"a": 1}, {"b"', 'unmarshal: unexpected end of JSON input: record 2, which begins at byte 11, has no end'],
  ['[{"a": 1}', 'unmarshal: unexpected end of JSON input after 1 records'],
  ['{"a": "', 'unmarshal: unexpected end of JSON input: record 1, which begins at byte 0, has no end'],
  ['[1,]', 'unmarshal: expected a record, found "]" at byte 3'],
  ['[,1]', 'unmarshal: expected a record, found "," at byte 1'],
  ['[{} {}]', 'unmarshal: expected "," or "]", found "{" at byte 4'],
  ['[1] x', 'unmarshal: unexpected "x" at byte 4, after the end of the array'],
  ['{}\n,{}', 'unmarshal: expected a record, found "," at byte 3'],
])('%j is refused', (text, message) => {
  expect(() => split(text)).toThrow(message)
  expect(() => split(text, 1)).toThrow(message)
})
