import { quote } from '../errors.ts'
import { booleanWord, parseFloat64, parseHumanInteger, parseInt64, parseInteger } from '../numbers.ts'
import { type JsonObject, toJson, type YamlNode } from '../sources/yaml-node.ts'
import { assignDotted, isObject } from './dotted.ts'
import { expected, expectedJson, type ValueType } from './value-type.ts'

/** Any text. In YAML every scalar counts, as it is written. */
export const text: ValueType<string> = labelled('string')
export const path: ValueType<string> = labelled('path')
export const url: ValueType<string> = labelled('url')

function labelled(label: string): ValueType<string> {
  return { label, arity: 'one', parse: word => word, read: readText, schema: { type: ['string', 'number', 'boolean'] } }
}

function readText(node: YamlNode): string {
  if (node.kind !== 'scalar') throw expected('a string', node)
  return node.text
}

/** A text that may be missing: `--hf-token` alone is the empty string. */
export const maybeText: ValueType<string> = { ...text, label: '[string]', arity: 'maybe' }

/** Any text; a mapping in YAML and dotted pieces become JSON text. For options whose content nobody looks at. */
export const looseText: ValueType<string> = {
  ...text,
  read: node => (node.kind === 'scalar' ? node.text : JSON.stringify(toJson(node))),
  schema: {},
  assign: (value, keys, word) => JSON.stringify(assignDotted(objectIn(value), keys, word)),
}

/** The JSON object that a text holds. Text that is none cannot take pieces; they replace it. */
function objectIn(value: string | undefined): JsonObject {
  try {
    const parsed: unknown = JSON.parse(value || '{}')
    return isObject(parsed) ? parsed : {}
  } catch {
    return {}
  }
}

/** One of a few words. Whether it is one of them is checked by the option's rule, so that errors keep their order. */
export function choice<const W extends string>(
  ...words: readonly W[]
): ValueType<W> & { readonly words: readonly W[] } {
  return {
    label: words.filter(word => word !== '').join('|'),
    arity: 'one',
    parse: word => word as W,
    read: node => readText(node) as W,
    fromJson(value) {
      if (typeof value !== 'string') throw expectedJson('a string', value)
      return value as W
    },
    schema: { enum: words },
    words,
  }
}

function readInteger(node: YamlNode): number {
  if (node.kind !== 'scalar' || (node.tag !== 'int' && node.tag !== 'float')) throw expected('an integer', node)
  const value = Math.trunc(Number(node.value))
  if (!Number.isFinite(value)) throw expected('an integer', node)
  return value
}

/** A 64-bit integer; exact up to 2^53. A fraction in YAML is dropped. */
export const int: ValueType<number> = {
  label: 'int',
  arity: 'one',
  parse: parseInteger,
  read: readInteger,
  fromJson(value) {
    if (!Number.isInteger(value)) throw expectedJson('an integer', value)
    return value as number
  },
  schema: { type: 'number' },
}

/** A 64-bit integer, always exact. */
export const int64: ValueType<bigint> = {
  label: 'int',
  arity: 'one',
  parse: parseInt64,
  read(node) {
    if (node.kind === 'scalar' && node.tag === 'int' && /^[+-]?\d+$/.test(node.text)) return parseInt64(node.text)
    return BigInt(readInteger(node))
  },
  schema: { type: 'integer' },
}

/** An integer with an optional suffix: `32k`, `1.5m`, `4K`. */
export const humanInt: ValueType<number> = {
  label: 'int[kmgtKMGT]',
  arity: 'one',
  parse: parseHumanInteger,
  read: node => (node.kind === 'scalar' && node.tag === 'str' ? parseHumanInteger(node.text) : readInteger(node)),
  schema: { type: ['number', 'string'] },
}

/** A finite number. */
export const float: ValueType<number> = {
  label: 'float',
  arity: 'one',
  parse: parseFloat64,
  read(node) {
    if (node.kind !== 'scalar' || (node.tag !== 'int' && node.tag !== 'float')) throw expected('a number', node)
    const value = Number(node.value)
    if (!Number.isFinite(value)) throw expected('a finite number', node)
    return value
  },
  fromJson(value) {
    if (typeof value !== 'number') throw expectedJson('a number', value)
    return value
  },
  schema: { type: 'number' },
}

const YAML_TRUE = /^(y|Y|yes|Yes|YES|on|On|ON|true|True|TRUE)$/
const YAML_FALSE = /^(n|N|no|No|NO|off|Off|OFF|false|False|FALSE)$/

/** A switch: `--x`, `--no-x`, `--x=false`; in YAML also `yes`, `no`, `on`, `off`. */
export const bool: ValueType<boolean> = {
  label: 'bool',
  arity: 'switch',
  parse(word) {
    const value = booleanWord(word)
    if (value === undefined) throw new Error(`strconv.ParseBool: parsing ${quote(word)}: invalid syntax`)
    return value
  },
  read(node) {
    if (node.kind === 'scalar' && !node.quoted) {
      if (YAML_TRUE.test(node.text)) return true
      if (YAML_FALSE.test(node.text)) return false
    }
    throw expected('true or false', node)
  },
  schema: { enum: [true, false, 'yes', 'no', 'on', 'off', 'y', 'n'] },
}

/** A switch that vLLM or the reference documents together with its `--no-` form. */
export const pair: ValueType<boolean> = {
  ...bool,
  parse(word) {
    const value = booleanWord(word)
    if (value === undefined) throw new Error(`invalid boolean value ${quote(word)}`)
    return value
  },
}
