import { RequestError } from '@vllm-sim/core-engine'
import { brief, type Constraints, formatsOf, type OutputFormat } from '@vllm-sim/serving'
import { anyObject, arrayOf, boolean, object, string } from '../schema/types.ts'
import type { JsonSchema } from '../schema/validator.ts'

/** `response_format` of chat, and `text.format` of Responses, whose `schema` stands beside the type. */
export interface ResponseFormat {
  readonly type?: string | null
  readonly json_schema?: { readonly schema?: unknown } | null
  readonly schema?: unknown
}

/** vLLM's `structured_outputs`. */
export interface StructuredOutputs {
  readonly json?: unknown
  readonly regex?: string | null | undefined
  readonly choice?: readonly string[] | null | undefined
  readonly grammar?: string | null | undefined
  readonly json_object?: boolean | null | undefined
  readonly structural_tag?: unknown
}

/** Members of a request that demand a form. The `guided_` ones are older names of vLLM's that clients still send. */
export interface FormatWire {
  readonly response_format?: ResponseFormat | null
  readonly structured_outputs?: StructuredOutputs | null
  readonly guided_json?: unknown
  readonly guided_regex?: string | null
  readonly guided_choice?: readonly string[] | null
  readonly guided_grammar?: string | null
  readonly guided_json_object?: boolean | null
}

export const formatProperties: Record<string, JsonSchema> = {
  response_format: { ...object({ type: string, json_schema: anyObject }), nullable: true },
  structured_outputs: {
    ...object({ regex: string, choice: arrayOf({ type: 'string' }), grammar: string, json_object: boolean }),
    nullable: true,
  },
  guided_json: {},
  guided_regex: string,
  guided_choice: arrayOf({ type: 'string' }),
  guided_grammar: string,
  guided_json_object: boolean,
}

/**
 * The form that a request demands, if any.
 * @throws RequestError 400 when there are several, or one is incomplete
 */
export function readOutputFormat(wire: FormatWire): OutputFormat | undefined {
  const { response_format: format, structured_outputs: outputs } = wire
  const guided = guidedBy(wire)
  // Most requests demand nothing.
  if (!format && !outputs && !guided) return undefined
  const found: OutputFormat[] = []
  const own = readResponseFormat(format, 'response_format')
  if (own) found.push(own)
  if (outputs) {
    const formats = formatsOf(constraintsOf(outputs), 'structured_outputs')
    if (formats.length === 0) throw constraintCount('must use one', 'none are', outputs)
    found.push(...formats)
  }
  if (guided) found.push(...formatsOf(guided, 'guided_*'))
  if (found.length > 1)
    throw constraintCount('can only use one', 'multiple are', outputs ?? found.map(one => one.member))
  return found[0]
}

/** Whether a request may demand a form. */
export function mayDemandForm(wire: FormatWire): boolean {
  return Boolean(wire.response_format ?? wire.structured_outputs ?? guidedBy(wire))
}

/** What the older members demand; undefined when there is none of them. */
function guidedBy(wire: FormatWire): Constraints | undefined {
  const { guided_json: json, guided_regex: regex, guided_choice: choice, guided_grammar: grammar } = wire
  const jsonObject = wire.guided_json_object
  if ((json ?? regex ?? choice ?? grammar ?? jsonObject ?? undefined) === undefined) return undefined
  return { json, regex, choice, grammar, jsonObject, structuralTag: undefined }
}

function constraintCount(rule: string, problem: string, given: unknown): RequestError {
  return new RequestError(
    400,
    `You ${rule} kind of structured outputs constraint but ${problem} specified: ${brief(given)}`,
    'structured_outputs',
  )
}

function constraintsOf(outputs: StructuredOutputs): Constraints {
  const { json, regex, choice, grammar, json_object: jsonObject, structural_tag: structuralTag } = outputs
  return { json, regex, choice, grammar, jsonObject, structuralTag }
}

/**
 * `response_format`, or `text.format` of Responses.
 * @param member how the request calls it
 * @returns undefined for ordinary text
 */
export function readResponseFormat(
  format: ResponseFormat | null | undefined,
  member: string,
): OutputFormat | undefined {
  const type = format?.type
  if (!format || type === undefined || type === null || type === 'text') return undefined
  if (type === 'json_object') return { member, kind: 'json_object' }
  if (type === 'json_schema') {
    if (!format.json_schema && format.schema === undefined) {
      throw new RequestError(
        400,
        "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
        member,
      )
    }
    const schema = format.json_schema?.schema ?? format.schema
    return schema === undefined || schema === null ? { member, kind: 'json_object' } : { member, kind: 'json', schema }
  }
  throw new RequestError(
    400,
    `${member} of type ${brief(type)} is not supported, use text, json_object or json_schema`,
    member,
  )
}
