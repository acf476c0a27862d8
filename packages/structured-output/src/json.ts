import type { Budget } from './errors.ts'

/** Characters that are copied, compared or counted for one step of a budget. */
export const CHARACTERS_PER_STEP = 64

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
 * A key that two values share exactly if JSON Schema calls them equal: `1` and `1.0`, members in any order. The value
 * itself where it is no array or object.
 */
export function keyOf(value: unknown, budget: Budget): unknown {
  budget.spend(1 / 8)
  return typeof value === 'object' && value !== null ? `\0${canonical(value, budget)}` : value
}

/** Compact JSON with sorted members, paid for before it is made. */
function canonical(value: unknown, budget: Budget): string {
  if (typeof value === 'string') budget.spend(value.length / CHARACTERS_PER_STEP)
  budget.spend(1 / 4)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => canonical(item, budget)).join()}]`
  const names = Object.keys(value).sort()
  return `{${names.map(name => `${canonical(name, budget)}:${canonical((value as JsonObject)[name], budget)}`).join()}}`
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
