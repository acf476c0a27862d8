import { RequestError } from '@vllm-sim/core-engine'
import type { Constraint } from '@vllm-sim/structured-output'
import { parseJson } from '../parse-json.ts'

/** Choices of an answer; each costs a microsecond. */
const mostChoices = 65_536

/** A form that the text of an answer must have. `member` is the request's member that demands it. */
export type OutputFormat = Constraint & { readonly member: string }

/** vLLM's constraints on the text of an answer. A request has one of them at most; null is absent. */
export interface Constraints {
  /** A JSON Schema, as an object or as its text. */
  readonly json: unknown
  readonly regex: string | null | undefined
  readonly choice: readonly string[] | null | undefined
  readonly grammar: string | null | undefined
  readonly jsonObject: boolean | null | undefined
  readonly structuralTag: unknown
}

/**
 * The forms that a request's constraints come to: none, one, or more, which is too many.
 * @param member the request's member that has them, for errors
 * @throws RequestError 400 when one is incomplete
 */
export function formatsOf(constraints: Constraints, member: string): OutputFormat[] {
  const found: OutputFormat[] = []
  const { json, regex, choice, grammar, structuralTag } = constraints
  if (json !== undefined && json !== null) found.push({ member, kind: 'json', schema: parsedSchema(json, member) })
  if (typeof regex === 'string') found.push({ member, kind: 'regex', pattern: regex })
  if (choice) {
    if (choice.length === 0) throw new RequestError(400, "Choice '[]' cannot be an empty list", member)
    if (choice.length > mostChoices) {
      throw new RequestError(
        400,
        `${member}.choice can have at most ${mostChoices} choices, got ${choice.length}`,
        member,
      )
    }
    found.push({ member, kind: 'choice', choices: choice })
  }
  if (typeof grammar === 'string') {
    if (grammar.trim() === '') throw new RequestError(400, `${member}.grammar cannot be an empty string`, member)
    found.push({ member, kind: 'grammar', grammar })
  }
  if (constraints.jsonObject) found.push({ member, kind: 'json_object' })
  if (structuralTag !== undefined && structuralTag !== null) {
    throw new RequestError(400, `${member}.structural_tag is not supported, use json, regex, choice or grammar`, member)
  }
  return found
}

/** A schema is sent as an object, or as its JSON text. */
function parsedSchema(json: unknown, member: string): unknown {
  if (typeof json !== 'string') return json
  return parseJson(json, detail => new RequestError(400, `${member}.json is not JSON: ${detail}`, member))
}
