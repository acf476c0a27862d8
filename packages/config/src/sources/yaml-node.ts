/** Anything that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/** A YAML scalar as it stands in the file, before an option's type decides what it means. */
export interface ScalarNode {
  readonly kind: 'scalar'
  /** What YAML 1.2's core schema takes it for. */
  readonly tag: 'null' | 'bool' | 'int' | 'float' | 'str'
  /** The value as text: what was written, without quotes. */
  readonly text: string
  readonly quoted: boolean
  readonly value: null | boolean | number | string
}

interface ListNode {
  readonly kind: 'list'
  readonly items: readonly YamlNode[]
}

interface MapNode {
  readonly kind: 'map'
  readonly entries: readonly (readonly [key: string, value: YamlNode])[]
}

/** A YAML value, independent of the library that parsed it. */
export type YamlNode = ScalarNode | ListNode | MapNode

/** The node as plain data. */
export function toJson(node: YamlNode): Json {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toJson)
  return Object.fromEntries(node.entries.map(([key, value]) => [key, toJson(value)]))
}

/** How an error message calls the node: `the string "x"`, `a list`. */
export function describe(node: YamlNode): string {
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'map') return 'a mapping'
  return node.tag === 'str' ? `the string ${JSON.stringify(node.text)}` : node.text
}
