import type { Limits } from './request.ts'
import { Token } from './token.ts'

/** What a stop condition found. */
export interface StopMatch {
  /** The stop string or token id. */
  readonly reason: string | number
}

/**
 * Looks for stop strings and stop tokens in a growing text. Tokens that may be the beginning of a stop string are held
 * back until that is decided. The tokens of a match stay in the count but lose the text that is not to be shown.
 */
export class StopScanner {
  readonly #strings: readonly string[]
  readonly #ids: ReadonlySet<number>
  readonly #include: boolean
  readonly #minTokens: number
  #seen = 0
  #held: Token[] = []
  #text = ''

  constructor(limits: Limits) {
    this.#strings = limits.stop ?? []
    this.#ids = new Set(limits.stopTokenIds)
    this.#include = limits.includeStop ?? false
    this.#minTokens = limits.minTokens ?? 0
  }

  /** True when `limits` can end a text before its source does. */
  static needed(limits: Limits): boolean {
    return (limits.stop?.length ?? 0) > 0 || (limits.stopTokenIds?.length ?? 0) > 0
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
    if (this.#strings.length === 0) {
      release(token)
      return undefined
    }
    this.#held.push(token)
    this.#text += token.text
    const match = this.#find()
    if (match) {
      this.#releaseCut(match.end, release)
      return { reason: match.stop }
    }
    this.#releaseBefore(this.#text.length - this.#pendingLength(), release)
    return undefined
  }

  /** Passes on what is held; the text ended without a match. */
  flush(release: (token: Token) => void): void {
    for (const token of this.#held) release(token)
    this.#held = []
    this.#text = ''
  }

  /** The earliest stop string in the held text; among those at one place the first in the list. */
  #find(): { stop: string; end: number } | undefined {
    let best: { stop: string; end: number } | undefined
    let bestAt = Number.POSITIVE_INFINITY
    for (const stop of this.#strings) {
      const at = this.#text.indexOf(stop)
      if (at < 0 || at >= bestAt) continue
      bestAt = at
      best = { stop, end: this.#include ? at + stop.length : at }
    }
    return best
  }

  /** Length of the longest end of the held text that begins a stop string. */
  #pendingLength(): number {
    let longest = 0
    for (const stop of this.#strings) {
      for (let length = Math.min(stop.length - 1, this.#text.length); length > longest; length--) {
        if (this.#text.endsWith(stop.slice(0, length))) longest = length
      }
    }
    return longest
  }

  /** Releases the tokens that end at or before `end` in the held text. */
  #releaseBefore(end: number, release: (token: Token) => void): void {
    let at = 0
    let count = 0
    for (const token of this.#held) {
      if (at + token.text.length > end) break
      at += token.text.length
      count++
      release(token)
    }
    if (count === 0) return
    this.#held.splice(0, count)
    this.#text = this.#text.slice(at)
  }

  /** Releases all held tokens, with their text only up to `end`. */
  #releaseCut(end: number, release: (token: Token) => void): void {
    let at = 0
    for (const token of this.#held) {
      const shown = Math.max(0, Math.min(token.text.length, end - at))
      at += token.text.length
      release(shown === token.text.length ? token : new Token(token.id, token.text.slice(0, shown)))
    }
    this.#held = []
    this.#text = ''
  }
}
