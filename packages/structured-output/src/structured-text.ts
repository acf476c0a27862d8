import type { Random } from '@vllm-sim/latency'
import { type Budget, StructureError } from './errors.ts'
import { compileGrammar } from './grammar/grammar.ts'
import { compileRegex, type TextSourceOfPattern } from './regex/regex.ts'
import { type CompileOptions, compileSchema, type SchemaGenerator } from './schema/schema.ts'
import { WORDS } from './schema/strings.ts'
import { JsonText, type Text, WholeText } from './text.ts'

/** A constraint on a whole answer, as vLLM's `structured_outputs` and OpenAI's `response_format` have them. */
export type Constraint =
  | { readonly kind: 'json'; readonly schema: unknown }
  | { readonly kind: 'json_object' }
  | { readonly kind: 'regex'; readonly pattern: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'grammar'; readonly grammar: string }

/** Makes texts that fulfil one constraint. */
export interface StructuredText {
  /** A random small text. @param work pays for the work; when it is used up, the known text comes */
  generate(random: Random, work?: Budget): Text
  /** A text that is as short as the generator can make it: for a limit that the random one does not meet. */
  smallest(random: Random, work?: Budget): Text
  /** A short text that is always the same object and takes no work. */
  readonly known: Text
}

/**
 * Prepares texts for a constraint; pure, so the result can be kept. JSON is compact, with members in the order in which
 * the schema declares them.
 * @param work the request's budget, which pays for the work
 * @throws StructureError that says what is wrong with the constraint, or why no text can fulfil it; a WorkError when the
 * budget is used up, which says nothing about the constraint
 */
export function compileConstraint(constraint: Constraint, options: CompileOptions = {}, work?: Budget): StructuredText {
  switch (constraint.kind) {
    case 'json':
      return jsonTexts(compileSchema(constraint.schema, { ...options, compact: true }, work), false)
    case 'json_object': {
      const known = new JsonText({})
      return { generate: random => new JsonText(smallObject(random)), smallest: () => known, known }
    }
    case 'regex':
      return wholeTexts(compileRegex(constraint.pattern, '', work))
    case 'choice': {
      const { choices } = constraint
      if (choices.length === 0) throw new StructureError("Choice '[]' cannot be an empty list")
      const known = new WholeText(choices.reduce((best, choice) => (choice.length < best.length ? choice : best)))
      return {
        generate: random => new WholeText(choices[random.int(0, choices.length - 1)]!),
        smallest: () => known,
        known,
      }
    }
    default:
      return wholeTexts(compileGrammar(constraint.grammar, work))
  }
}

/** The instances of a schema as JSON. @param sorted put members into the order of their names */
export function jsonTexts(generator: SchemaGenerator, sorted: boolean): StructuredText {
  const known = new JsonText(generator.known, sorted)
  const text = (value: unknown) => (value === generator.known ? known : new JsonText(value, sorted))
  return {
    generate: (random, work) => text(generator.generate(random, work)),
    smallest: (random, work) => text(generator.smallest(random, work)),
    known,
  }
}

/** The texts of a pattern or a grammar, none of which is long. */
function wholeTexts(source: TextSourceOfPattern): StructuredText {
  const known = new WholeText(source.smallest())
  const attempt = (make: () => string): Text => {
    try {
      return new WholeText(make())
    } catch (error) {
      // Others take too much work.
      if (error instanceof StructureError) return known
      throw error
    }
  }
  return {
    generate: (random, work) => attempt(() => source.generate(random, work)),
    smallest: (random, work) => attempt(() => source.smallest(random, work)),
    known,
  }
}

/** One to three members with words, numbers and booleans. */
function smallObject(random: Random): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (let left = random.int(1, 3); left > 0; left--) {
    const word = () => WORDS[random.int(0, WORDS.length - 1)]!
    const kind = random.int(0, 3)
    object[word()] = kind === 0 ? random.int(0, 100) : kind === 1 ? random.chance(50) : word()
  }
  return object
}
