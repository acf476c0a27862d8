import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  Scalar,
  type YAMLMap,
} from 'yaml'
import type { ScalarNode, YamlNode } from './yaml-node.ts'

/** A key of the file's mapping with its value. */
export interface YamlEntry {
  readonly key: string
  /** Line of the key, from 1. */
  readonly line: number
  readonly node: YamlNode
}

/** Aliases may repeat parts of a file, but not multiply them without end. */
const MAX_NODES = 100_000

/**
 * The entries of the mapping that a YAML text consists of; only its first document counts. An empty text has none.
 * @throws Error whose message begins with `yaml: `
 */
export function parseYaml(text: string): YamlEntry[] {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    intAsBigInt: false,
  })
  const document = documents[0]
  if (document === undefined) return []
  const problem = document.errors[0]
  if (problem !== undefined) throw new Error(`yaml: line ${lines.linePos(problem.pos[0]).line}: ${problem.message}`)
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) return []
  if (!isMap(root)) throw new Error('yaml: the file must be a mapping of option names to values')
  const converter = new Converter(document)
  return converter.pairs(root).map(([key, value]) => ({
    key: String(key.value),
    line: lines.linePos(key.range?.[0] ?? 0).line,
    node: converter.node(value),
  }))
}

/** Turns the library's nodes into ours. */
class Converter {
  readonly #document: Document
  #count = 0

  constructor(document: Document) {
    this.#document = document
  }

  node(value: unknown): YamlNode {
    if (++this.#count > MAX_NODES) throw new Error('yaml: too many values')
    const node = this.#resolved(value)
    if (isMap(node)) {
      return { kind: 'map', entries: this.pairs(node).map(([key, item]) => [String(key.value), this.node(item)]) }
    }
    if (isSeq(node)) return { kind: 'list', items: node.items.map(item => this.node(item)) }
    return isScalar(node) ? scalar(node) : scalar(new Scalar(null))
  }

  /** Keys and values of a mapping; those that `<<` brings in come first and give way to its own. */
  pairs(map: YAMLMap): (readonly [key: Scalar, value: unknown])[] {
    const own: (readonly [Scalar, unknown])[] = []
    const merged: (readonly [Scalar, unknown])[] = []
    for (const { key, value } of map.items) {
      if (!isScalar(key)) throw new Error('yaml: a key must be plain text')
      const source = this.#resolved(value)
      if (key.source !== '<<') own.push([key, value])
      else for (const part of isSeq(source) ? source.items : [source]) merged.push(...this.#merged(part))
    }
    const names = new Set(own.map(([key]) => key.value))
    return [...merged.filter(([key]) => !names.has(key.value)), ...own]
  }

  #merged(part: unknown): (readonly [Scalar, unknown])[] {
    const map = this.#resolved(part)
    if (++this.#count > MAX_NODES) throw new Error('yaml: too many values')
    if (!isMap(map)) throw new Error('yaml: << needs a mapping')
    return this.pairs(map)
  }

  #resolved(value: unknown): Node | undefined {
    return isAlias(value) ? value.resolve(this.#document) : (value as Node | undefined)
  }
}

function scalar(node: Scalar): ScalarNode {
  const { value } = node
  const quoted = node.type !== undefined && node.type !== Scalar.PLAIN
  if (value === null || value === undefined) return { kind: 'scalar', tag: 'null', text: '', quoted, value: null }
  if (typeof value === 'boolean')
    return { kind: 'scalar', tag: 'bool', text: node.source ?? String(value), quoted, value }
  if (typeof value === 'number') {
    const text = node.source ?? String(value)
    const integer = Number.isInteger(value) && !/[.eE]/.test(text.replace(/^[+-]?0x.*/, ''))
    return { kind: 'scalar', tag: integer ? 'int' : 'float', text, quoted, value }
  }
  return { kind: 'scalar', tag: 'str', text: String(value), quoted, value: String(value) }
}
