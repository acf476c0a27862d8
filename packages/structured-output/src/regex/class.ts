import type { AST } from '@eslint-community/regexpp'
import { RegexError } from '../errors.ts'
import { ANY, type CharSet, complement, DIGIT, foldCase, NEWLINE, normalize, SPACE, WORD } from './charset.ts'

/** Flags that change what a character means: `i` and `s`. */
export interface ClassFlags {
  readonly ignoreCase: boolean
  readonly dotAll: boolean
}

/**
 * Where Unicode properties are evaluated: the scripts of everyday text and the emoji. Testing all 1.1 million code
 * points would take a tenth of a second per property, and nobody needs text in the others.
 */
const PROPERTY_AREA: CharSet = [
  0x20, 0x2fff, 0x3040, 0x33ff, 0x4e00, 0x52ff, 0xac00, 0xaeff, 0xff00, 0xffef, 0x1f300, 0x1faff,
]

/** The characters that one element of a pattern matches. */
export function charactersOf(
  element: AST.Character | AST.CharacterSet | AST.CharacterClass | AST.ExpressionCharacterClass,
  flags: ClassFlags,
): CharSet {
  const set = plain(element, flags)
  return flags.ignoreCase ? foldCase(set) : set
}

function plain(
  element: AST.Character | AST.CharacterSet | AST.CharacterClass | AST.ExpressionCharacterClass,
  flags: ClassFlags,
): CharSet {
  if (element.type === 'Character') return normalize([element.value, element.value])
  if (element.type === 'CharacterSet') return characterSet(element, flags)
  if (element.type === 'ExpressionCharacterClass') throw new RegexError('set operations in classes are not supported')
  const ranges: number[] = []
  for (const part of element.elements) {
    if (part.type === 'CharacterClassRange') ranges.push(part.min.value, part.max.value)
    else if (part.type === 'Character') ranges.push(part.value, part.value)
    else if (part.type === 'CharacterSet') ranges.push(...characterSet(part, flags))
    else throw new RegexError(`${part.raw} is not supported in a class`)
  }
  let set = normalize(ranges)
  if (!element.negate) return set
  if (flags.ignoreCase) set = foldCase(set)
  return complement(set)
}

function characterSet(element: AST.CharacterSet, flags: ClassFlags): CharSet {
  switch (element.kind) {
    case 'any':
      return flags.dotAll ? ANY : complement(NEWLINE)
    case 'digit':
      return element.negate ? complement(DIGIT) : DIGIT
    case 'word':
      return element.negate ? complement(WORD) : WORD
    case 'space':
      return element.negate ? complement(SPACE) : SPACE
    default:
      return property(element.raw)
  }
}

const properties = new Map<string, CharSet>()

/** `\p{…}` as JavaScript's own engine understands it. */
function property(raw: string): CharSet {
  const known = properties.get(raw)
  if (known) return known
  const expression = new RegExp(`^${raw}$`, 'u')
  const ranges: number[] = []
  for (let i = 0; i < PROPERTY_AREA.length; i += 2) {
    for (let code = PROPERTY_AREA[i]!; code <= PROPERTY_AREA[i + 1]!; code++) {
      if (expression.test(String.fromCodePoint(code))) ranges.push(code, code)
    }
  }
  const set = normalize(ranges)
  // A few properties serve everyone; a client that tries hundreds does not get a table for life.
  if (properties.size < 32) properties.set(raw, set)
  return set
}
