import { GrammarError } from '../errors.ts'

/** Reads a grammar's text piece by piece, and knows the line for messages. */
export class Scanner {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  get done(): boolean {
    return this.#at >= this.#source.length
  }

  /** What the sticky expression matches here, which is then behind us. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#source)
    if (found) this.#at += found[0].length
    return found
  }

  /** Whether the sticky expression matches here. */
  sees(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    return pattern.test(this.#source)
  }

  /** The error for what cannot be read here. */
  fail(message: string): GrammarError {
    const line = this.#source.slice(0, this.#at).split('\n').length
    const near = this.#source.slice(this.#at, this.#at + 30).split('\n')[0]!
    return new GrammarError(
      `line ${line} of the grammar${near === '' ? '' : `, at ${JSON.stringify(near)}`}: ${message}`,
    )
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', b: '\b', '0': '\0' }

/** Replaces C-style escapes: `\n`, `\x41`, `\u0041`, `\U00000041`, and any other character for itself. */
export function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gsu, (_, x, u, long, one) => {
    const code = x ?? u ?? long
    if (code === undefined) return ESCAPES[one] ?? one
    const point = Number.parseInt(code, 16)
    return point > 0x10ffff ? '\uFFFD' : String.fromCodePoint(point)
  })
}
