import type { CharSet } from '../regex/charset.ts'
import type { TextSourceOfPattern } from '../regex/regex.ts'

/** A part of a grammar's rule. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'pattern'; readonly pattern: TextSourceOfPattern; readonly shortest: number }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Part[] }
  | { readonly kind: 'repeat'; readonly part: Part; readonly min: number; readonly max: number }

/** A grammar: rules by name. */
export interface Grammar {
  readonly rules: ReadonlyMap<string, Part>
  readonly start: string
  /** A blank is put between two words that would otherwise run together: the grammar ignores white space. */
  readonly spaced: boolean
}
