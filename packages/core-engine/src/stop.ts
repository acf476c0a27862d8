import { RequestError } from './errors.ts'
import type { Limits } from './request.ts'
import { StopAutomaton } from './stop-automaton.ts'
import { Token } from './token.ts'

/** Longest text of all stop strings of a request together, in UTF-16 code units. */
const maxStopLength = 65_536

/** What a stop condition found. */
export interface StopMatch {
  /** The stop string or token id. */
  readonly reason: string | number
}

/** Automata by their list of strings, which all sequences of a request share. */
const automata = new WeakMap<readonly string[], StopAutomaton>()

function automatonOf(strings: readonly string[]): StopAutomaton {
  let automaton = automata.get(strings)
  if (!automaton) automata.set(strings, (automaton = new StopAutomaton(strings)))
  return automaton
}

/**
 * Looks for stop strings and stop tokens in a growing text. Tokens that may be the beginning of a stop string are held
 * back until that is decided. The tokens of a match stay in the count but lose the text that is not to be shown.
 * Takes time in proportion to the text, however many strings there are.
 */
export class StopScanner {
  readonly #automaton: StopAutomaton | undefined
  readonly #ids: ReadonlySet<number>
  readonly #include: boolean
  readonly #minTokens: number
  #seen = 0
  #node = 0
  /** Held tokens from `#first` on, and the length of their text. */
  #held: Token[] = []
  #first = 0
  #length = 0

  constructor(limits: Limits) {
    this.#automaton = limits.stop?.length ? automatonOf(limits.stop) : undefined
    this.#ids = new Set(limits.stopTokenIds)
    this.#include = limits.includeStop ?? false
    this.#minTokens = limits.minTokens ?? 0
  }

  /** True when `limits` can end a text before its source does. */
  static needed(limits: Limits): boolean {
    return (limits.stop?.length ?? 0) > 0 || (limits.stopTokenIds?.length ?? 0) > 0
  }

  /** @throws RequestError when the stop strings are longer than `maxStopLength` */
  static check(strings: readonly string[]): void {
    let length = 0
    for (const stop of strings) length += stop.length
    if (length <= maxStopLength) return
    throw new RequestError(
      400,
      `stop strings must not have more than ${maxStopLength} characters together, got ${length}`,
      'stop',
    )
  }

  /**
   * Takes the next token and passes on with `release` those that are decided.
   * @returns the match that ends the text, if there is one
   */
  push(token: Token, release: (token: Token) => void): StopMatch | undefined {
    this.#seen++
    if (this.#seen <= this.#minTokens) {
      release(token)
      return undefined
    }
    if (this.#ids.has(token.id)) {
      this.flush(release)
      release(this.#include ? token : new Token(token.id, ''))
      return { reason: token.id }
    }
    const automaton = this.#automaton
    if (!automaton) {
      release(token)
      return undefined
    }
    this.#held.push(token)
    const place = this.#scan(automaton, token.text, release)
    if (place >= 0) return { reason: automaton.strings[place]! }
    this.#releaseBefore(this.#length - automaton.depth(this.#node), release)
    return undefined
  }

  /** Passes on what is held; the text ended without a match. */
  flush(release: (token: Token) => void): void {
    for (let at = this.#first; at < this.#held.length; at++) release(this.#held[at]!)
    this.#clear()
  }

  /**
   * Adds `text` and, at a match, releases what is to be shown: the stop string that begins earliest in the held text;
   * among those that begin together the first in the list.
   * @returns its place in the list, -1 without a match
   */
  #scan(automaton: StopAutomaton, text: string, release: (token: Token) => void): number {
    let place = automaton.empty
    let start = place < 0 ? Number.POSITIVE_INFINITY : 0
    let node = this.#node
    for (let at = 0; at < text.length; at++) {
      node = automaton.next(node, text.charCodeAt(at))
      // Of several that end here the longest begins first.
      const found = automaton.ends(node)
      if (found < 0) continue
      const from = this.#length + at + 1 - automaton.strings[found]!.length
      if (from > start || (from === start && found > place)) continue
      start = from
      place = found
    }
    this.#node = node
    this.#length += text.length
    if (place >= 0) this.#releaseCut(this.#include ? start + automaton.strings[place]!.length : start, release)
    return place
  }

  /** Releases the tokens that end at or before `end` in the held text. */
  #releaseBefore(end: number, release: (token: Token) => void): void {
    let at = 0
    while (this.#first < this.#held.length) {
      const token = this.#held[this.#first]!
      if (at + token.text.length > end) break
      at += token.text.length
      this.#first++
      release(token)
    }
    this.#length -= at
    if (this.#first === this.#held.length) this.#held.length = 0
    else if (this.#first * 2 >= this.#held.length) this.#held.copyWithin(0, this.#first).length -= this.#first
    else return
    this.#first = 0
  }

  /** Releases all held tokens, with their text only up to `end`. */
  #releaseCut(end: number, release: (token: Token) => void): void {
    let at = 0
    for (let i = this.#first; i < this.#held.length; i++) {
      const token = this.#held[i]!
      const shown = Math.max(0, Math.min(token.text.length, end - at))
      at += token.text.length
      release(shown === token.text.length ? token : new Token(token.id, token.text.slice(0, shown)))
    }
    this.#clear()
  }

  #clear(): void {
    this.#held.length = 0
    this.#first = 0
    this.#length = 0
    this.#node = 0
  }
}
