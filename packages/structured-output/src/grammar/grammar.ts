import type { Random } from '@vllm-sim/latency'
import { Budget, GrammarError, RegexError } from '../errors.ts'
import { CHARACTERS_PER_STEP } from '../json.ts'
import { first, pick } from '../regex/charset.ts'
import { MAX_TEXT } from '../regex/generate.ts'
import type { TextSourceOfPattern } from '../regex/regex.ts'
import { parseEbnf } from './ebnf.ts'
import { parseLark } from './lark.ts'
import type { Grammar, Part } from './part.ts'

/** Longest grammar that is read, in characters. */
const MAX_SOURCE = 200_000
/** Steps of work for compiling a grammar, and for one text. */
const STEPS = 50_000
const TEXT_STEPS = 20_000
/** A random text stops growing at about this many characters, and at this depth of rules. */
const ENOUGH = 64
const DEEP = 16
/**
 * What the use of a rule and each repetition add to a cost in characters: so that of two ways the one with fewer steps
 * is taken, and a grammar of very many steps that write nothing is refused.
 */
const RULE_COST = 1 / 1024

/**
 * Prepares texts of a context-free grammar in one of the notations that vLLM takes: EBNF as of xgrammar and llama.cpp's
 * GBNF (`root ::= …`), or Lark (`start: …`). Which one is seen from `::=`, as vLLM does.
 * @throws GrammarError for a malformed grammar, for one that derives no text, and for what is not supported: look-ahead,
 * templates, imports other than from `common`.
 * @param work the request's budget
 */
export function compileGrammar(source: string, work?: Budget): TextSourceOfPattern {
  if (source.trim() === '') throw new GrammarError('structured_outputs.grammar cannot be an empty string')
  if (source.length > MAX_SOURCE) throw new GrammarError(`the grammar has more than ${MAX_SOURCE} characters`)
  try {
    const fail = () => new GrammarError(`the grammar takes more than ${STEPS} steps of work`)
    const budget = new Budget(STEPS, fail, work)
    budget.spend(source.length / CHARACTERS_PER_STEP)
    const maker = new Maker(source.includes('::=') ? parseEbnf(source) : parseLark(source, budget), budget)
    return {
      generate: (random, paying) => maker.make(random, paying),
      smallest: (_, paying) => maker.make(undefined, paying),
    }
  } catch (error) {
    if (error instanceof RangeError) throw new GrammarError('the grammar is nested too deeply')
    if (error instanceof RegexError) throw new GrammarError(error.message)
    throw error
  }
}

class Maker {
  readonly #grammar: Grammar
  readonly #budget: Budget
  readonly #costs: ReadonlyMap<string, number>
  /** Costs of parts, for choosing among them again and again. */
  readonly #known = new Map<Part, number>()

  constructor(grammar: Grammar, budget: Budget) {
    this.#grammar = grammar
    this.#budget = budget
    for (const [name, part] of grammar.rules) checkReferences(grammar, name, part)
    if (!grammar.rules.has(grammar.start))
      throw new GrammarError(`the grammar has no rule ${JSON.stringify(grammar.start)}`)
    this.#costs = ruleCosts(grammar, budget)
    const least = this.#costs.get(grammar.start)!
    if (least === Number.POSITIVE_INFINITY) throw new GrammarError(`the rule ${grammar.start} derives no finite text`)
    if (least > MAX_TEXT)
      throw new GrammarError(
        `the shortest text of the grammar has more than ${MAX_TEXT} characters, or takes too many steps`,
      )
    // What is nested too deeply shows here and not in the middle of a request.
    this.#write({ kind: 'rule', name: grammar.start }, undefined, 0, new Writer(grammar.spaced))
    budget.charge(undefined)
  }

  /** @throws GrammarError when that takes too much work */
  make(random: Random | undefined, work: Budget | undefined): string {
    const out = new Writer(this.#grammar.spaced)
    this.#budget.refill(TEXT_STEPS)
    this.#budget.charge(work)
    try {
      this.#write({ kind: 'rule', name: this.#grammar.start }, random, 0, out)
    } finally {
      this.#budget.charge(undefined)
    }
    return out.text
  }

  /** Without `random`, or when the text is long or deep enough, always takes the shortest way. */
  #write(part: Part, random: Random | undefined, depth: number, out: Writer): void {
    this.#budget.spend()
    const chance = random && out.text.length < ENOUGH && depth < DEEP ? random : undefined
    switch (part.kind) {
      case 'text':
        this.#budget.spend(part.text.length / CHARACTERS_PER_STEP)
        out.add(part.text)
        break
      case 'set':
        out.add(String.fromCodePoint(random ? pick(part.set, random) : first(part.set)))
        break
      case 'pattern':
        out.add(chance ? part.pattern.generate(chance, this.#budget) : part.pattern.smallest(random, this.#budget))
        break
      case 'rule':
        this.#rule(part.name, random, depth, out)
        break
      case 'all':
        for (const one of part.parts) this.#write(one, random, depth, out)
        break
      case 'any': {
        this.#budget.spend(part.parts.length / 8)
        const possible = part.parts.filter(one => this.#cost(one) <= MAX_TEXT)
        const chosen = chance
          ? possible[chance.int(0, possible.length - 1)]!
          : possible.reduce((best, one) => (this.#cost(one) < this.#cost(best) ? one : best))
        this.#write(chosen, random, depth, out)
        break
      }
      default: {
        const possible = this.#cost(part.part) <= MAX_TEXT
        const count = chance && possible ? chance.int(part.min, Math.min(part.max, part.min + 3)) : part.min
        for (let i = 0; i < count && (i < part.min || out.text.length < ENOUGH); i++)
          this.#write(part.part, random, depth, out)
      }
    }
  }

  /** In a grammar that ignores white space, what a terminal (in capitals) writes is one word. */
  #rule(name: string, random: Random | undefined, depth: number, out: Writer): void {
    const word = this.#grammar.spaced && /^_*[A-Z]/.test(name) ? new Writer(false) : undefined
    this.#write(this.#grammar.rules.get(name)!, random, depth + 1, word ?? out)
    if (word) out.add(word.text)
  }

  #cost(part: Part): number {
    let known = this.#known.get(part)
    if (known === undefined) {
      known = cost(part, name => this.#costs.get(name)!, this.#budget)
      this.#known.set(part, known)
    }
    return known
  }
}

/** Collects the text; between two words of a grammar that ignores white space goes a blank. */
class Writer {
  readonly #spaced: boolean
  text = ''

  constructor(spaced: boolean) {
    this.#spaced = spaced
  }

  add(text: string): void {
    if (this.#spaced && /[\w]$/.test(this.text.slice(-1)) && /^\w/.test(text)) this.text += ' '
    this.text += text
  }
}

/** Least characters of a part, given those of the rules. */
function cost(part: Part, ofRule: (name: string) => number, budget: Budget): number {
  budget.spend()
  switch (part.kind) {
    case 'text':
      return part.text.length
    case 'set':
      return part.set.length === 0 ? Number.POSITIVE_INFINITY : 1
    case 'pattern':
      return part.shortest
    case 'rule':
      return ofRule(part.name) + RULE_COST
    case 'all':
      return part.parts.reduce((sum, one) => sum + cost(one, ofRule, budget), 0)
    case 'any':
      return part.parts.reduce((least, one) => Math.min(least, cost(one, ofRule, budget)), Number.POSITIVE_INFINITY)
    default:
      return part.min === 0 ? 0 : (cost(part.part, ofRule, budget) + RULE_COST) * part.min
  }
}

/** Costs of all rules: a rule is looked at again when one that it uses got cheaper (Knuth, "A generalization of Dijkstra's algorithm", 1977). */
function ruleCosts(grammar: Grammar, budget: Budget): Map<string, number> {
  const costs = new Map([...grammar.rules.keys()].map(name => [name, Number.POSITIVE_INFINITY]))
  const users = new Map<string, Set<string>>([...grammar.rules.keys()].map(name => [name, new Set()]))
  for (const [name, part] of grammar.rules) forEachRule(part, used => users.get(used)!.add(name))
  const open = new Set(grammar.rules.keys())
  for (const name of open) {
    open.delete(name)
    const now = cost(grammar.rules.get(name)!, used => costs.get(used)!, budget)
    if (now >= costs.get(name)!) continue
    costs.set(name, now)
    for (const user of users.get(name)!) open.add(user)
  }
  return costs
}

function checkReferences(grammar: Grammar, name: string, part: Part): void {
  forEachRule(part, used => {
    if (!grammar.rules.has(used)) throw new GrammarError(`rule ${name} uses ${used}, which is not defined`)
  })
}

function forEachRule(part: Part, visit: (name: string) => void): void {
  if (part.kind === 'rule') visit(part.name)
  else if (part.kind === 'repeat') forEachRule(part.part, visit)
  else if (part.kind === 'all' || part.kind === 'any') for (const one of part.parts) forEachRule(one, visit)
}
