import type { Random } from '@vllm-sim/latency'
import { StructureError } from './errors.ts'
import { compileGrammar } from './grammar.ts'
import { jsonText } from './json.ts'
import { compileRegex } from './regex.ts'
import { type CompileOptions, compileSchema } from './schema.ts'
import { WORDS } from './strings.ts'

/** A constraint on a whole answer, as vLLM's `structured_outputs` and OpenAI's `response_format` have them. */
export type Constraint =
  | { readonly kind: 'json'; readonly schema: unknown }
  | { readonly kind: 'json_object' }
  | { readonly kind: 'regex'; readonly pattern: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'grammar'; readonly grammar: string }

/** Makes texts that fulfil one constraint. */
export interface StructuredText {
  /** A random small text. */
  generate(random: Random): string
  /** A text that is as short as the generator can make it: for a limit that the random one does not meet. */
  smallest(random: Random): string
}

/**
 * Prepares texts for a constraint; pure, so the result can be kept. JSON is compact, with members in the order in which
 * the schema declares them.
 * @throws StructureError that says what is wrong with the constraint, or why no text can fulfil it.
 */
export function compileConstraint(constraint: Constraint, options: CompileOptions = {}): StructuredText {
  switch (constraint.kind) {
    case 'json': {
      const generator = compileSchema(constraint.schema, { ...options, compact: true })
      return {
        generate: random => jsonText(generator.generate(random)),
        smallest: random => jsonText(generator.smallest(random)),
      }
    }
    case 'json_object':
      return { generate: random => jsonText(smallObject(random)), smallest: () => '{}' }
    case 'regex': {
      const generator = compileRegex(constraint.pattern)
      return { generate: random => generator.generate(random), smallest: random => generator.smallest(random) }
    }
    case 'choice': {
      const { choices } = constraint
      if (choices.length === 0) throw new StructureError("Choice '[]' cannot be an empty list")
      const shortest = choices.reduce((best, choice) => (choice.length < best.length ? choice : best))
      return { generate: random => choices[random.int(0, choices.length - 1)]!, smallest: () => shortest }
    }
    default:
      return compileGrammar(constraint.grammar)
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
