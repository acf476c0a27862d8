import { type AST, RegExpParser } from '@eslint-community/regexpp'
import { RegexError } from '../errors.ts'
import { type CharSet, complement, intersect, WORD } from './charset.ts'
import { type ClassFlags, charactersOf } from './class.ts'
import { type Arena, type Node, shortestText } from './node.ts'

/** Longest pattern that is read. */
const MAX_SOURCE = 20_000
/** How often a group with assertions inside (`(?:(?!x).)*`) is repeated at most. */
const UNROLL = 6

/** What is known about the position before an element. */
interface Position {
  /** Nothing was matched yet. */
  readonly start: boolean
  /** The last character was a word character; undefined: may be either. */
  readonly word: boolean | undefined
}

/** What a pattern means, and whether `node` is all of it: only then may it be complemented. */
export interface Parsed {
  readonly node: Node
  readonly exact: boolean
}

/**
 * Reads an ECMAScript pattern. `search: true` gives the texts that contain a match (JSON Schema's `pattern`),
 * otherwise the texts that match as a whole.
 * @throws RegexError when the pattern is malformed or uses look-behind.
 */
export function parseRegex(arena: Arena, source: string, flags = '', search = false): Parsed {
  if (source.length > MAX_SOURCE) throw new RegexError(`the pattern has more than ${MAX_SOURCE} characters`)
  arena.budget.spend(20 + (source.length >> 2))
  const pattern = syntaxTree(source)
  const builder = new Builder(arena, pattern, { ignoreCase: flags.includes('i'), dotAll: flags.includes('s') })
  return { node: builder.build(search), exact: builder.exact }
}

/** Unicode mode as JSON Schema wants it, then the lenient mode that also reads `\-`, then Python's named groups. */
function syntaxTree(source: string): AST.Pattern {
  const parser = new RegExpParser({ ecmaVersion: 2025 })
  const python = source.replaceAll('(?P<', '(?<').replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
  let problem = ''
  for (const [text, unicode] of [
    [source, true],
    [source, false],
    [python, true],
    [python, false],
  ] as const) {
    try {
      return parser.parsePattern(text, 0, text.length, { unicode })
    } catch (error) {
      if (error instanceof RangeError) throw new RegexError('the pattern is nested too deeply')
      problem ||= (error as Error).message
    }
  }
  throw new RegexError(problem.replace(/^Invalid regular expression: \/.*\/[a-z]*: /s, ''))
}

class Builder {
  readonly #arena: Arena
  readonly #pattern: AST.Pattern
  readonly #flags: ClassFlags
  /** Groups that are referred to, and the one text that stands for them. */
  readonly #fixed = new Map<AST.CapturingGroup, Node>()
  readonly #asserting = new Map<AST.Node, boolean>()
  readonly #asking = { start: new Map<AST.Node, boolean>(), word: new Map<AST.Node, boolean>() }
  exact = true

  constructor(arena: Arena, pattern: AST.Pattern, flags: ClassFlags) {
    this.#arena = arena
    this.#pattern = pattern
    this.#flags = flags
  }

  build(search: boolean): Node {
    const arena = this.#arena
    const after = search ? arena.all : arena.empty
    const at = (position: Position) => this.#alternatives(this.#pattern.alternatives, [], after, position)
    const node = at({ start: true, word: false })
    if (!search) return node
    if (this.#asks(this.#pattern, 'word')) {
      const later = [true, false].map(word => arena.cat(this.#endingIn(word), at({ start: false, word })))
      return arena.alt([node, ...later])
    }
    if (!this.#asks(this.#pattern, 'start')) return arena.cat(arena.all, node)
    return arena.alt([node, arena.cat(arena.any, arena.cat(arena.all, at({ start: false, word: undefined })))])
  }

  /** Texts whose last character is, or is not, a word character. */
  #endingIn(word: boolean): Node {
    return this.#arena.cat(this.#arena.all, this.#arena.set(word ? WORD : complement(WORD)))
  }

  #alternatives(list: readonly AST.Alternative[], rest: readonly AST.Element[], after: Node, position: Position): Node {
    return this.#arena.alt(list.map(one => this.#sequence([...one.elements, ...rest], after, position)))
  }

  /** `elements` and then `after`, where what comes before is known only as `position`. */
  #sequence(elements: readonly AST.Element[], after: Node, position: Position): Node {
    const arena = this.#arena
    arena.budget.spend(4 + elements.length / 8)
    const split = elements.findIndex(element => this.#asserts(element))
    if (split < 0) return elements.reduceRight((rest, element) => arena.cat(this.#node(element), rest), after)
    if (split > 0) {
      const before = elements
        .slice(0, split)
        .reduceRight((rest, element) => arena.cat(this.#node(element), rest), arena.empty)
      return this.#behind(before, elements.slice(split), after, position)
    }
    const element = elements[0]!
    const rest = elements.slice(1)
    switch (element.type) {
      case 'Assertion':
        return this.#assertion(element, rest, after, position)
      case 'CapturingGroup':
        if (this.#isReferred(element))
          throw new RegexError(`assertions inside the group ${element.raw} are not supported`)
        return this.#alternatives(element.alternatives, rest, after, position)
      case 'Group':
        return this.#alternatives(element.alternatives, rest, after, position)
      default: {
        const { element: inner, min, max } = element as AST.Quantifier
        const most = Math.min(max, min + UNROLL)
        if (min > 64) throw new RegexError(`${element.raw}: assertions inside a long repetition are not supported`)
        if (most < max) this.exact = false
        const counts = Array.from({ length: most - min + 1 }, (_, extra) =>
          new Array<AST.Element>(min + extra).fill(inner),
        )
        return arena.alt(counts.map(copies => this.#sequence([...copies, ...rest], after, position)))
      }
    }
  }

  /** `before` without assertions, then elements that ask where they stand. */
  #behind(before: Node, elements: readonly AST.Element[], after: Node, position: Position): Node {
    const arena = this.#arena
    const asks = (kind: 'start' | 'word') => elements.some(element => this.#asks(element, kind))
    const word = asks('word')
    if (!word && !asks('start')) return arena.cat(before, this.#sequence(elements, after, position))
    const cases: Node[] = []
    if (before.nullable) cases.push(this.#sequence(elements, after, position))
    if (word) {
      for (const last of [true, false]) {
        const ended = before.kind === 'set' ? this.#only(before, last) : arena.and([before, this.#endingIn(last)])
        cases.push(arena.cat(ended, this.#sequence(elements, after, { start: false, word: last })))
      }
    } else if (before !== arena.empty) {
      const nonEmpty = before.nullable ? arena.and([before, arena.cat(arena.any, arena.all)]) : before
      cases.push(arena.cat(nonEmpty, this.#sequence(elements, after, { start: false, word: undefined })))
    }
    return arena.alt(cases)
  }

  #only(before: Node, word: boolean): Node {
    return this.#arena.set(intersect(before.set, word ? WORD : complement(WORD)))
  }

  #assertion(element: AST.Assertion, rest: readonly AST.Element[], after: Node, position: Position): Node {
    const arena = this.#arena
    if (element.kind === 'start') return position.start ? this.#sequence(rest, after, position) : arena.never
    if (element.kind === 'lookbehind') throw new RegexError(`look-behind ${element.raw} is not supported`)
    const following = this.#sequence(rest, after, position)
    if (element.kind === 'end') return arena.and([arena.empty, following])
    if (element.kind === 'word') {
      const wordNext = arena.cat(arena.set(WORD), arena.all)
      return arena.and([following, element.negate === position.word ? wordNext : arena.not(wordNext)])
    }
    if (element.kind !== 'lookahead') return following
    const exactBefore = this.exact
    const ahead = this.#alternatives(element.alternatives, [], arena.all, position)
    if (element.negate && exactBefore && !this.exact) throw new RegexError(`${element.raw} is not supported`)
    return arena.and([element.negate ? arena.not(ahead) : ahead, following])
  }

  /** An element without assertions. */
  #node(element: AST.Element): Node {
    const arena = this.#arena
    switch (element.type) {
      case 'Character':
      case 'CharacterSet':
      case 'CharacterClass':
      case 'ExpressionCharacterClass':
        return arena.set(this.#characters(element))
      case 'Quantifier':
        return arena.repeat(this.#node(element.element), element.min, element.max)
      case 'Group':
        if (element.modifiers) throw new RegexError(`modifiers as in ${element.raw} are not supported`)
        return arena.alt(element.alternatives.map(one => this.#plain(one)))
      case 'CapturingGroup':
        return this.#isReferred(element)
          ? this.#fix(element)
          : arena.alt(element.alternatives.map(one => this.#plain(one)))
      case 'Backreference': {
        const group = element.ambiguous ? undefined : (element.resolved as AST.CapturingGroup)
        if (!group || group.start > element.start || group.end > element.start) return arena.empty
        return this.#fix(group)
      }
      default:
        throw new RegexError(`${element.raw} is not supported`)
    }
  }

  #characters(element: Parameters<typeof charactersOf>[0]): CharSet {
    const { budget } = this.#arena
    // The other case is looked up for each character, and a property is asked about tens of thousands.
    if (this.#flags.ignoreCase) budget.spend(100)
    const properties = element.raw.match(/\\[pP]\{/g)?.length ?? 0
    budget.spend(properties * 100)
    const set = charactersOf(element, this.#flags)
    budget.spend(set.length >> 3)
    return set
  }

  #plain(alternative: AST.Alternative): Node {
    return alternative.elements.reduceRight(
      (rest, element) => this.#arena.cat(this.#node(element), rest),
      this.#arena.empty,
    )
  }

  #isReferred(group: AST.CapturingGroup): boolean {
    return group.references.length > 0
  }

  /**
   * A group that is referred to always has the same text: a part of the language, and the simplest that is regular.
   */
  #fix(group: AST.CapturingGroup): Node {
    const known = this.#fixed.get(group)
    if (known) return known
    this.exact = false
    const whole = this.#arena.alt(group.alternatives.map(one => this.#plain(one)))
    const node = whole === this.#arena.never ? whole : this.#arena.literal(shortestText(whole))
    this.#fixed.set(group, node)
    return node
  }

  /** Whether an assertion is somewhere inside. */
  #asserts(node: AST.Node): boolean {
    return this.#find(this.#asserting, node, one => one.type === 'Assertion')
  }

  /** Whether an assertion inside depends on what comes before it: `^`, or `\b` and `\B`. */
  #asks(node: AST.Node, kind: 'start' | 'word'): boolean {
    return this.#find(this.#asking[kind], node, one => one.type === 'Assertion' && one.kind === kind)
  }

  #find(known: Map<AST.Node, boolean>, node: AST.Node, wanted: (node: AST.Node) => boolean): boolean {
    let found = known.get(node)
    if (found === undefined) {
      found = wanted(node) || childrenOf(node).some(child => this.#find(known, child, wanted))
      known.set(node, found)
    }
    return found
  }
}

function childrenOf(node: AST.Node): readonly AST.Node[] {
  if (node.type === 'Quantifier') return [node.element]
  if (node.type === 'Alternative') return node.elements
  return 'alternatives' in node ? node.alternatives : []
}
