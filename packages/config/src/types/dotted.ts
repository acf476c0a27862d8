import type { Json, JsonObject } from '../sources/yaml-node.ts'

/**
 * Folds one dotted piece of vLLM's command line into an object: `--x.a.b 3` is `{a: {b: 3}}`, `--x.list+ v` appends.
 * The word is taken as JSON where it is JSON, otherwise as text.
 * @returns a new object; `base` stays as it is
 */
export function assignDotted(base: JsonObject, path: readonly string[], word: string): JsonObject {
  const keys = [...path]
  const append = keys.at(-1)!.endsWith('+')
  if (append) keys.push(keys.pop()!.slice(0, -1))
  const value: Json = append ? word.split(',') : jsonOrText(word)
  return withValue(base, keys, value, append)
}

function withValue(base: JsonObject, keys: readonly string[], value: Json, append: boolean): JsonObject {
  const [key = '', ...rest] = keys
  const old = Object.hasOwn(base, key) ? base[key] : undefined
  const next = rest.length > 0 ? withValue(isObject(old) ? old : {}, rest, value, append) : joined(old, value, append)
  // Computed keys define own properties, so "__proto__" is a key like any other.
  return { ...base, [key]: next }
}

function joined(old: Json | undefined, value: Json, append: boolean): Json {
  return append && Array.isArray(old) && Array.isArray(value) ? [...old, ...value] : value
}

function jsonOrText(word: string): Json {
  try {
    return JSON.parse(word)
  } catch {
    return word
  }
}

/** Whether the value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
