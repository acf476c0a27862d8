import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonReader, JsonTextError, readJson } from './reader.ts'

function accepts(text: string): boolean {
  try {
    readJson(Buffer.from(text))
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(JsonTextError)
    return false
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const fragments = [
  ...'{}[],:"0123456789-+.eE \n\ttruefalsn',
  '"a"',
  '\\u',
  '\\n',
  'null',
  '{"a":',
  '\u0001',
  'é',
  '1e',
  '-0',
]

describe('what is JSON', () => {
  test('is what JSON.parse takes', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 12 }), parts => {
        const text = parts.join('')
        expect([text, accepts(text)]).toEqual([text, isJson(text)])
      }),
      { numRuns: 3000 },
    )
  })

  test('every value, and none that lost its end', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        expect(accepts(text)).toBe(true)
        const cut = text.slice(0, -1)
        expect([cut, accepts(cut)]).toEqual([cut, isJson(cut)])
      }),
    )
  })

  test('does not depend on how it arrives', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 7 }), (value, size) => {
        const bytes = Buffer.from(JSON.stringify({ a: value, b: [value] }))
        const reader = new JsonReader()
        for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
        const text = reader.end()
        expect(text.names).toEqual(['a', 'b'])
        expect(text.read('a')).toEqual(JSON.parse(JSON.stringify(value)))
        expect(text.bytes.equals(bytes)).toBe(true)
      }),
    )
  })

  test.each([
    ['', 'unexpected end of JSON input'],
    ['{"a":1', 'unexpected end of JSON input'],
    ['{"a" 1}', 'unexpected \'1\' at byte 5 after a key, where ":" must be'],
    ['[1 2]', 'unexpected \'2\' at byte 3 in an array, where "," or "]" must be'],
    ['{} x', "unexpected 'x' at byte 3 after the end of the JSON text"],
    ['"\u0000"', 'unexpected 0x00 at byte 1 in a string'],
    ['nul!', "unexpected '!' at byte 3 in null"],
  ])('%s: %s', (text, message) => {
    expect(() => readJson(Buffer.from(text))).toThrow(message)
  })

  test('a byte order mark and bytes that are no UTF-8 pass', () => {
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.from('{"a":"'), 0xff, 0xfe, ...Buffer.from('"}')])
    const text = readJson(bytes)
    expect(text.get('a')?.equals(Buffer.from([0x22, 0xff, 0xfe, 0x22]))).toBe(true)
  })

  test('bounds', () => {
    expect(accepts('['.repeat(10_000) + ']'.repeat(10_000))).toBe(true)
    expect(() => readJson(Buffer.from('['.repeat(10_001)))).toThrow(
      'more than 10000 arrays and objects inside each other',
    )
    expect(() => readJson(Buffer.from(`[${'0,'.repeat(65_536)}0]`))).toThrow('more than 65536 members')
  })
})
