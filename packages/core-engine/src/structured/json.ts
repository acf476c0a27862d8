/** A JSON object. */
export type JsonObject = Record<string, unknown>

/** Whether the value is a JSON object (not an array, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own property, so that a name such as `constructor` is not found in the prototype. */
export function own(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as JsonObject)[name] : undefined
}

/** Sets an own property, also one that is called `__proto__`. */
export function assign(object: JsonObject, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  else object[name] = value
}

/**
 * Compact JSON text. With `sorted` the members of every object are in the order of their names (by UTF-16 code units;
 * also names that look like numbers, which JavaScript's objects would move), otherwise in the object's own order.
 */
export function jsonText(value: unknown, sorted = false): string {
  if (!sorted || typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => jsonText(item, true)).join()}]`
  const names = Object.keys(value).sort()
  return `{${names.map(name => `${JSON.stringify(name)}:${jsonText((value as JsonObject)[name], true)}`).join()}}`
}

/** A text that two values share exactly if JSON Schema calls them equal: `1` and `1.0`, members in any order. */
function canonical(value: unknown): string {
  return jsonText(value, true)
}

/**
 * A key that equal values share, for sets: cheaper than `canonical` for everything but arrays and objects.
 */
export function keyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? `\0${canonical(value)}` : value
}

/** Number of values in a value: itself and everything inside. */
export function countValues(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countValues(item), 1)
  if (isObject(value)) return Object.values(value).reduce<number>((sum, item) => sum + countValues(item), 1)
  return 1
}

/** Number of code points, which is what JSON Schema calls the length of a string. */
export function codePoints(text: string): number {
  let count = text.length
  for (let i = 0; i + 1 < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--
  }
  return count
}
