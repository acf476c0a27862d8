import { freshSeed } from '@vllm-sim/latency'

/** Texts up to this length, in characters, may have any form: none costs much. */
const harmless = 65_536
/** Arrays and objects inside each other: V8 takes more than a second for a million. */
const deepest = 10_000
/** Arrays and objects: each takes fifty times the memory of its two characters. */
const mostContainers = 2 ** 17
/** Different names of members: V8 takes 2 to 8 µs for each that it has not seen. */
const mostNames = 2 ** 14
/** V8 looks up strings of up to so many characters among all that it has seen, and keeps those that are new. */
const short = 10
/** Different ones of these: 0.4 µs each. */
const mostShort = 2 ** 17

/**
 * Parses JSON that a client has sent.
 * @param unparsable makes the error
 * @throws what `unparsable` makes, for a text that is no JSON, or costs far more to be parsed than to be sent
 */
export function parseJson(text: string, unparsable: (detail: string) => Error): unknown {
  checkJsonForm(text, unparsable)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unparsable(text === '' ? 'it is empty' : (error as Error).message)
  }
}

/** @throws what `unparsable` makes, for a JSON text that costs far more to be parsed than to be sent */
export function checkJsonForm(text: string, unparsable: (detail: string) => Error): void {
  if (text.length <= harmless) return
  let depth = 0
  let containers = 0
  const names = new Different()
  const strings = new Different()
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        // "
        const start = at + 1
        at = endOfString(text, at)
        if (isName(text, at)) {
          if (names.add(text, start, at) > mostNames) {
            throw unparsable(`it has more than ${mostNames} different names of members`)
          }
        } else if (at - start <= short && strings.add(text, start, at) > mostShort) {
          throw unparsable(`it has more than ${mostShort} different strings of up to ${short} characters`)
        }
        break
      }
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > deepest) throw unparsable(`it is nested deeper than ${deepest} levels`)
        if (++containers > mostContainers) {
          throw unparsable(`it has more than ${mostContainers} arrays and objects`)
        }
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
    }
  }
}

/** Where the string that begins at `start` ends; the end of the text when it does not. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
    if (slashes % 2 === 0) return at
  }
  return text.length
}

/** Whether a colon follows the string that ends at `end`. */
function isName(text: string, end: number): boolean {
  let at = end + 1
  while (text.charCodeAt(at) <= 0x20) at++
  return text.charCodeAt(at) === 0x3a
}

/** Nobody outside can know which strings it takes for the same. */
const start = freshSeed() | 0
const mask = 2 ** 20 - 1

/** Counts different strings, by a hash of twenty bits: some percent too few. */
class Different {
  #count = 0
  #seen: Uint8Array | undefined

  /** @returns how many there are now */
  add(text: string, from: number, to: number): number {
    this.#seen ??= new Uint8Array((mask + 1) / 8)
    let hash = start
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193)
    hash = (hash ^ (hash >>> 15)) & mask
    const bit = 1 << (hash & 7)
    if (this.#seen[hash >> 3]! & bit) return this.#count
    this.#seen[hash >> 3]! |= bit
    return ++this.#count
  }
}
