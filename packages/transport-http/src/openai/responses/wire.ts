import type { ToolChoice } from '@vllm-sim/serving'
import { type SamplingWire, type SharedWire, samplingProperties, sharedProperties } from '../../generation/wire.ts'
import { anyObject, arrayOf, boolean, integer, object, string } from '../../schema/types.ts'
import { validator } from '../../schema/validator.ts'
import { formatProperties, type ResponseFormat, type StructuredOutputs } from '../output-format.ts'
import { readToolChoice } from '../tools.ts'
import { type Conversation, parseInput } from './input.ts'
import { type FunctionTool, parseTools } from './tools.ts'

/** A request to `POST /v1/responses`; members that nothing here reads are left out. */
export interface ResponsesWire extends SamplingWire, SharedWire {
  /** `input` in its one common form. */
  readonly conversation: Conversation
  readonly instructions?: string | null
  readonly max_output_tokens?: number | null
  readonly max_tool_calls?: number | null
  readonly functions: readonly FunctionTool[]
  /** As it was sent: answers repeat it. */
  readonly tool_choice?: unknown
  /** The same in its one common form. */
  readonly choice: ToolChoice
  readonly parallel_tool_calls?: boolean | null
  readonly include?: readonly string[] | null
  readonly top_logprobs?: number | null
  readonly text?: { readonly format?: ResponseFormat | null; readonly verbosity?: string | null } | null
  readonly structured_outputs?: StructuredOutputs | null
  readonly reasoning?: { readonly effort?: string | null } | null
  readonly include_reasoning?: boolean | null
  readonly previous_response_id?: string | null
  readonly store?: boolean | null
  readonly background?: boolean | null
  readonly metadata?: object | null
  readonly prompt?: object | null
  readonly service_tier?: string | null
  readonly truncation?: string | null
  readonly user?: string | null
  readonly prompt_cache_key?: string | null
  readonly safety_identifier?: string | null
  readonly chat_template?: string | null
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null
}

type Derived = 'conversation' | 'functions' | 'choice' | 'n' | 'cache_hit_threshold'

type Decoded = Omit<ResponsesWire, Derived> & { -readonly [K in Derived]-?: Exclude<ResponsesWire[K], undefined> } & {
  readonly input?: unknown
  readonly tools?: unknown
}

const { n: _, ...sampling } = samplingProperties

const read = validator<Decoded>(
  object({
    ...sharedProperties,
    ...sampling,
    structured_outputs: formatProperties['structured_outputs']!,
    instructions: string,
    max_output_tokens: integer,
    max_tool_calls: integer,
    parallel_tool_calls: boolean,
    include: arrayOf({ type: 'string' }),
    top_logprobs: integer,
    text: { ...object({ format: { ...object({ type: string }), nullable: true }, verbosity: string }), nullable: true },
    reasoning: { ...object({ effort: string }), nullable: true },
    include_reasoning: boolean,
    previous_response_id: string,
    store: boolean,
    background: boolean,
    metadata: anyObject,
    prompt: anyObject,
    service_tier: string,
    truncation: string,
    user: string,
    prompt_cache_key: string,
    safety_identifier: string,
    chat_template: string,
    chat_template_kwargs: anyObject,
  }),
)

/** @throws RequestError 400 naming the member that is wrong */
export function decodeResponses(json: unknown): ResponsesWire {
  const wire = read(json)
  wire.conversation = parseInput(wire.input)
  wire.functions = parseTools(wire.tools)
  wire.choice = readToolChoice(wire.tool_choice)
  // There is one answer, and a threshold of the request's own has no effect here, as in the reference.
  wire.n = 1
  wire.cache_hit_threshold = null
  return wire
}
