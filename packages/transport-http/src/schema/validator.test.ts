import { expect, test } from 'vitest'
import { integer, object, string } from './types.ts'
import { validator } from './validator.ts'

const read = validator<Record<string, unknown>>(object({ name: string, size: integer }))

test('all members are there, in the order of the schema, whatever the client wrote', () => {
  expect(Object.entries(read({ size: 1, name: 'a' }))).toEqual(Object.entries(read({ name: 'a', size: 1 })))
  expect(Object.keys(read({}))).toEqual(['name', 'size'])
  expect(read({ size: null })).toEqual({ name: undefined, size: null })
})

test('other members are kept, and none can set the prototype', () => {
  const body = read(JSON.parse('{"other": [1], "constructor": 2, "__proto__": {"name": "x", "evil": true}}'))
  expect(body).toEqual({ name: undefined, size: undefined, other: [1], constructor: 2 })
  expect(Object.getPrototypeOf(body)).toBe(Object.prototype)
  expect(body['evil']).toBeUndefined()
})

test('one answer does not show in the next', () => {
  read({ name: 'a' })['name'] = 'changed'
  expect(read({})['name']).toBeUndefined()
})

test.each([[[]], [null], ['text'], [1]])('%j is refused', json => {
  expect(() => read(json)).toThrow('must be an object')
})
