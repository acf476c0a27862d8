import { Budget, RegexError } from '../errors.ts'
import { ANY, type CharSet, first, intersect } from './charset.ts'

/**
 * A regular language as an extended regular expression (union, intersection and complement included). Equal
 * expressions are the same object, so that derivatives reach finitely many of them and tables can be keyed by node.
 */
export interface Node {
  readonly id: number
  readonly kind: 'never' | 'empty' | 'set' | 'cat' | 'alt' | 'and' | 'not' | 'repeat'
  /** The set of a `set`. */
  readonly set: CharSet
  /** The parts: two of `cat`, one of `not` and `repeat`. */
  readonly parts: readonly Node[]
  /** Least and largest count of a `repeat`. */
  readonly min: number
  readonly max: number
  /** Whether the empty text is in the language. */
  readonly nullable: boolean
  /** Code points of the shortest text; a lower bound where `boolean` is true; Infinity for `never`. */
  readonly shortest: number
  /** Contains an `and` or a `not`: its texts can only be found by exploring derivatives. */
  readonly boolean: boolean
}

const NO_PARTS: readonly Node[] = []

/** Makes nodes, simplified by the usual identities. One arena per compiled pattern: it lives as long as that. */
export class Arena {
  readonly #nodes = new Map<string, Node>()
  readonly budget: Budget
  readonly never: Node
  readonly empty: Node
  /** One arbitrary character. */
  readonly any: Node
  /** Any text. */
  readonly all: Node

  /**
   * @param outer a budget that pays too
   * @param steps how many nodes, derivatives and the like may be made before a `RegexError` says that it is too much
   */
  constructor(outer?: Budget, steps = 30_000) {
    this.budget = new Budget(
      steps,
      () => new RegexError(`the pattern takes more than ${steps} steps of work to generate text for`),
      outer,
    )
    this.never = this.#make('never', { shortest: Number.POSITIVE_INFINITY })
    this.empty = this.#make('empty', { nullable: true })
    this.any = this.set(ANY)
    this.all = this.repeat(this.any, 0, Number.POSITIVE_INFINITY)
  }

  #make(kind: Node['kind'], fields: Partial<Node>, key: string = kind): Node {
    const known = this.#nodes.get(key)
    if (known) return known
    this.budget.spend()
    const node: Node = {
      id: this.#nodes.size,
      kind,
      set: fields.set ?? [],
      parts: fields.parts ?? NO_PARTS,
      min: fields.min ?? 0,
      max: fields.max ?? 0,
      nullable: fields.nullable ?? false,
      shortest: fields.shortest ?? 0,
      boolean: fields.boolean ?? fields.parts?.some(part => part.boolean) ?? false,
    }
    this.#nodes.set(key, node)
    return node
  }

  /** One character out of the set. */
  set(set: CharSet): Node {
    if (set.length === 0) return this.never
    this.budget.spend(set.length >> 4)
    return this.#make('set', { set, shortest: 1 }, `s${set.join()}`)
  }

  /** The text itself. */
  literal(text: string): Node {
    let node = this.empty
    for (const char of [...text].reverse()) {
      const code = char.codePointAt(0)!
      node = this.cat(this.set(intersect([code, code], ANY)), node)
    }
    return node
  }

  /** `a` followed by `b`. */
  cat(a: Node, b: Node): Node {
    if (a === this.never || b === this.never) return this.never
    if (a === this.empty) return b
    if (b === this.empty) return a
    if (a.kind === 'cat') return this.cat(a.parts[0]!, this.cat(a.parts[1]!, b))
    return this.#make(
      'cat',
      { parts: [a, b], nullable: a.nullable && b.nullable, shortest: a.shortest + b.shortest },
      `c${a.id},${b.id}`,
    )
  }

  /** Any of the parts. */
  alt(parts: readonly Node[]): Node {
    const flat = this.#flatten('alt', parts).filter(part => part !== this.never)
    if (flat.includes(this.all)) return this.all
    if (flat.length === 0) return this.never
    if (flat.length === 1) return flat[0]!
    const shortest = Math.min(...flat.map(part => part.shortest))
    const nullable = flat.some(part => part.nullable)
    return this.#make('alt', { parts: flat, nullable, shortest }, `a${flat.map(part => part.id).join()}`)
  }

  /** All of the parts at once. */
  and(parts: readonly Node[]): Node {
    const flat = this.#flatten('and', parts).filter(part => part !== this.all)
    if (flat.includes(this.never)) return this.never
    if (flat.length === 0) return this.all
    if (flat.length === 1) return flat[0]!
    const nullable = flat.every(part => part.nullable)
    if (flat.includes(this.empty)) return nullable ? this.empty : this.never
    if (flat.every(part => part.kind === 'set'))
      return this.set(flat.reduce((set, part) => intersect(set, part.set), ANY))
    const shortest = Math.max(...flat.map(part => part.shortest))
    return this.#make('and', { parts: flat, nullable, shortest, boolean: true }, `i${flat.map(part => part.id).join()}`)
  }

  /** Every text that `a` has not. */
  not(a: Node): Node {
    if (a.kind === 'not') return a.parts[0]!
    if (a === this.never) return this.all
    if (a === this.all) return this.never
    return this.#make(
      'not',
      { parts: [a], nullable: !a.nullable, shortest: a.nullable ? 1 : 0, boolean: true },
      `n${a.id}`,
    )
  }

  /** `a`, `min` to `max` times. */
  repeat(a: Node, min: number, max: number): Node {
    const least = a.nullable ? 0 : min
    if (max === 0 || a === this.empty) return this.empty
    if (a === this.never) return least === 0 ? this.empty : this.never
    if (least === 1 && max === 1) return a
    if (a.kind === 'repeat' && least === 0 && max === Infinity && a.min <= 1) return this.repeat(a.parts[0]!, 0, max)
    return this.#make(
      'repeat',
      { parts: [a], min: least, max, nullable: least === 0, shortest: least === 0 ? 0 : least * a.shortest },
      `r${a.id},${least},${max}`,
    )
  }

  #flatten(kind: Node['kind'], parts: readonly Node[]): Node[] {
    const seen = new Set<Node>()
    for (const part of parts) {
      if (part.kind === kind) for (const inner of part.parts) seen.add(inner)
      else seen.add(part)
    }
    // The order of `alt` is that of the pattern when it was written so: two orders of the same parts must be one node.
    this.budget.spend(seen.size >> 2)
    return [...seen].sort((a, b) => a.id - b.id)
  }
}

/** One of the shortest texts of a node without `and` and `not`, which must not be `never`. */
export function shortestText(node: Node): string {
  switch (node.kind) {
    case 'set':
      return String.fromCodePoint(first(node.set))
    case 'cat':
      return node.parts.map(shortestText).join('')
    case 'alt':
      return shortestText(node.parts.reduce((best, part) => (part.shortest < best.shortest ? part : best)))
    case 'repeat':
      return node.shortest === 0 ? '' : shortestText(node.parts[0]!).repeat(node.min)
    default:
      return ''
  }
}
