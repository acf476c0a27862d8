import { reasonOf } from '../errors.ts'
import { parseInteger } from '../numbers.ts'
import { type JsonObject, toJson } from '../sources/yaml-node.ts'
import { assignDotted, isObject } from './dotted.ts'
import { int } from './scalars.ts'
import { expected, expectedJson, type ValueType } from './value-type.ts'

/** Several words: `--x a b` on the command line, a sequence in YAML. Commas do not separate. */
export const texts: ValueType<readonly string[]> = {
  label: 'string...',
  arity: 'many',
  parse: word => [word],
  read(node) {
    if (node.kind !== 'list') throw expected('a list', node)
    return node.items.map(item => {
      if (item.kind !== 'scalar') throw expected('a list of strings', item)
      return item.text
    })
  },
  fromJson(value) {
    if (!Array.isArray(value) || value.some(item => typeof item !== 'string')) {
      throw expectedJson('a list of strings', value)
    }
    return value
  },
  schema: { type: 'array', items: { type: ['string', 'number', 'boolean'] } },
}

/** Several integers. */
export const ints: ValueType<readonly number[]> = {
  label: 'int...',
  arity: 'many',
  parse: word => word.split(',').map(parseInteger),
  read(node, warn) {
    if (node.kind !== 'list') throw expected('a list', node)
    return node.items.map(item => int.read(item, warn))
  },
  schema: { type: 'array', items: { type: 'integer' } },
}

/** A JSON object; pieces can be given as `--x.key value`, in YAML a mapping or JSON text. */
export const jsonObject: ValueType<JsonObject> = {
  label: 'json',
  arity: 'one',
  parse: word => parseObject(word),
  read(node) {
    if (node.kind === 'list') throw expected('a mapping', node)
    return node.kind === 'map' ? (toJson(node) as JsonObject) : parseObject(node.text)
  },
  schema: { type: ['object', 'string'] },
  assign: (value, keys, word) => assignDotted(value ?? {}, keys, word),
}

/** A JSON list of strings, as vLLM takes for the CORS options; a sequence in YAML. */
export const jsonTexts: ValueType<readonly string[]> = {
  ...texts,
  label: 'json list',
  arity: 'one',
  parse(word) {
    const value = parseJson(word)
    if (!Array.isArray(value) || value.some(item => typeof item !== 'string')) {
      throw new Error(`expected a JSON list of strings such as '["*"]'`)
    }
    return value as string[]
  },
  read: (node, warn) => (node.kind === 'scalar' ? jsonTexts.parse(node.text, warn) : texts.read(node, warn)),
  schema: { type: ['array', 'string'] },
}

function parseObject(text: string): JsonObject {
  const value = parseJson(text)
  if (!isObject(value)) throw new Error('expected a JSON object')
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`not valid JSON: ${reasonOf(error)}`)
  }
}
