/** Node of the empty text. */
const root = 0

/**
 * Finds many strings in a text in one pass: Aho and Corasick, "Efficient string matching", CACM 18 (1975). A node stands
 * for the longest end of the text so far that begins one of the strings.
 */
export class StopAutomaton {
  readonly strings: readonly string[]
  /** Place of the empty string in the list; -1 when it is not there. */
  readonly empty: number
  // Per node: length of its text, where to go on when a character does not fit, and the longest string that the
  // text ends with (-1: none).
  readonly #depth: number[] = [0]
  readonly #failure: number[] = [root]
  readonly #ends: number[] = [-1]
  /** Node and UTF-16 code unit to the next node. */
  readonly #next = new Map<number, number>()

  constructor(strings: readonly string[]) {
    this.strings = strings
    this.empty = strings.indexOf('')
    for (const [at, text] of strings.entries()) this.#insert(text, at)
    this.#link()
  }

  /** The node after `code`, a UTF-16 code unit. */
  next(node: number, code: number): number {
    for (let at = node; ; at = this.#failure[at]!) {
      const next = this.#next.get(at * 65536 + code)
      if (next !== undefined) return next
      if (at === root) return root
    }
  }

  /** Length of the text that the node stands for. */
  depth(node: number): number {
    return this.#depth[node]!
  }

  /** The longest string that ends here, by its first place in the list; -1 when there is none. */
  ends(node: number): number {
    return this.#ends[node]!
  }

  #insert(text: string, place: number): void {
    if (text === '') return
    let node = root
    for (let at = 0; at < text.length; at++) {
      const key = node * 65536 + text.charCodeAt(at)
      let next = this.#next.get(key)
      if (next === undefined) {
        next = this.#depth.push(at + 1) - 1
        this.#failure.push(root)
        this.#ends.push(-1)
        this.#next.set(key, next)
      }
      node = next
    }
    if (this.#ends[node] === -1) this.#ends[node] = place
  }

  /** Nodes by depth, so that the shorter end that a node falls back to is finished before it. */
  #link(): void {
    const edges = [...this.#next].sort(([, a], [, b]) => this.#depth[a]! - this.#depth[b]!)
    for (const [key, node] of edges) {
      const parent = Math.floor(key / 65536)
      if (parent === root) continue
      this.#failure[node] = this.next(this.#failure[parent]!, key % 65536)
      if (this.#ends[node] === -1) this.#ends[node] = this.#ends[this.#failure[node]!]!
    }
  }
}
