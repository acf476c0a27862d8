import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readJson } from './reader.ts'
import { joined, sizeOf } from './text.ts'

const names = ['a', 'b', 'stream', 'max_tokens', 'é"\\']

function edited(text: string, set: Record<string, string>, remove: string[] = []): string {
  const pieces = readJson(Buffer.from(text, 'latin1')).edit({ set, remove })
  expect(sizeOf(pieces)).toBe(joined(pieces).length)
  return joined(pieces).toString('latin1')
}

describe('an edit', () => {
  test('has the effect that it has on the value', () => {
    const object = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(object, object, fc.subarray(names), fc.nat(2), (value, set, remove, indent) => {
        const kept = Object.fromEntries(Object.entries(set).filter(([name]) => !remove.includes(name)))
        const texts = Object.fromEntries(Object.entries(kept).map(([name, one]) => [name, JSON.stringify(one)]))
        const text = readJson(Buffer.from(JSON.stringify(value, undefined, indent)))
        const result = JSON.parse(joined(text.edit({ set: texts, remove })).toString())
        const expected = { ...value, ...kept }
        for (const name of remove) delete expected[name]
        expect(result).toEqual(JSON.parse(JSON.stringify(expected)))
        // The order of what stays is that of the text.
        expect(Object.keys(result)).toEqual(Object.keys(expected))
      }),
    )
  })

  test('that changes nothing gives the same bytes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (value, indent) => {
        const bytes = Buffer.from(JSON.stringify(value, undefined, indent))
        expect(joined(readJson(bytes).edit({ remove: ['not there'] })).equals(bytes)).toBe(true)
      }),
    )
  })

  test.each([
    ['{}', { a: '1' }, [], '{"a":1}'],
    [' { } ', { a: '1' }, [], ' {"a":1 } '],
    ['{"a": 1 , "b" : 2 }', { a: '3' }, [], '{"a": 3 , "b" : 2 }'],
    ['{"a": 1 , "b" : 2 }', {}, ['a'], '{"b" : 2 }'],
    ['{"a": 1 , "b" : 2 }', {}, ['b'], '{"a": 1 }'],
    ['{"a": 1 , "b" : 2 }', { c: '[]' }, ['a', 'b'], '{"c":[] }'],
    ['{"a":1,"b":2,"c":3}', {}, ['a', 'b'], '{"c":3}'],
    ['{"a":1,"b":2,"c":3}', {}, ['b', 'c'], '{"a":1}'],
    // A name that stands twice, and one that is written in another way.
    ['{"a":1,"x":0,"a":2}', { a: '3' }, [], '{"a":3,"x":0,"a":3}'],
    ['{"a":1,"x":0,"a":2}', {}, ['a'], '{"x":0}'],
    ['{"\\u0061":1}', { a: '2' }, [], '{"\\u0061":2}'],
    // What is not edited stays to the last digit and byte.
    [`{"n":${'9'.repeat(400)},"a":1e400}`, { b: '1' }, [], `{"n":${'9'.repeat(400)},"a":1e400,"b":1}`],
    ['{"a":"\xff\xfe\xc3"}', { b: '1' }, [], '{"a":"\xff\xfe\xc3","b":1}'],
    ['\xef\xbb\xbf{"a":1}', { b: '1' }, [], '\xef\xbb\xbf{"a":1,"b":1}'],
    ['{"__proto__":1}', { a: '1' }, ['__proto__'], '{"a":1}'],
  ] as const)('%s', (text, set, remove, result) => {
    expect(edited(text, set, [...remove])).toBe(result)
  })
})

test('of a name that stands twice the last one is read', () => {
  const text = readJson(Buffer.from('{"a":1,"a":{"b":2}}'))
  expect([text.read('a'), text.has('b'), text.read('b'), text.names]).toEqual([{ b: 2 }, false, undefined, ['a', 'a']])
})

test('an array has elements', () => {
  const text = readJson(Buffer.from('[1, {"a": [2]} ,"x"]'))
  expect(text.elements.map(String)).toEqual(['1', '{"a": [2]}', '"x"'])
  expect([text.kind, text.names]).toEqual(['array', []])
})
