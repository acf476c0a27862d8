import { RequestError } from '@vllm-sim/core-engine'

/** Messages, or items, of a request and the parts of their content together: each costs microseconds. */
const mostItems = 16_384

/**
 * @param list as it was sent; anything but an array has none
 * @param contents what of an entry may be a list of parts
 * @throws RequestError 400 when there are too many
 */
export function checkItems(list: unknown, member: string, contents: (entry: unknown) => readonly unknown[]): void {
  if (!Array.isArray(list)) return
  let count = list.length
  if (count <= mostItems) {
    for (const entry of list) for (const parts of contents(entry)) if (Array.isArray(parts)) count += parts.length
  }
  if (count <= mostItems) return
  const text = `${member} can have at most ${mostItems} entries and content parts, got ${count}.`
  throw new RequestError(400, text, member)
}
