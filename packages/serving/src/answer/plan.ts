import type { OutputPart, OutputPlan, PlanContext, PlannedOutput } from '@vllm-sim/core-engine'
import type { ServingContext } from '../context.ts'
import type { OutputFormat } from './format.ts'
import { Reasoning } from './reasoning.ts'
import { StructuredAnswer } from './structured-answer.ts'
import { ToolCalls } from './tool-calls.ts'
import type { ToolRequest } from './tools.ts'

/** What a request wants instead of, or before, the server's ordinary text. */
export interface AnswerRequest {
  /** True asks for reasoning, false forbids it, undefined leaves it to the server. */
  readonly reasoning: boolean | undefined
  /** Most tokens of reasoning. */
  readonly reasoningBudget?: number | undefined
  readonly tools?: ToolRequest | undefined
  readonly format?: OutputFormat | undefined
}

interface Parts {
  readonly reasoning: Reasoning | undefined
  readonly tools: ToolCalls | undefined
  readonly structured: StructuredAnswer | undefined
}

/**
 * The plan of an answer: reasoning, then tool calls or, when none is made, structured or ordinary text. Every choice of a
 * request decides for itself.
 * @returns undefined when there is nothing to plan
 * @throws RequestError 400 when what is wanted cannot be made
 */
export function planAnswer(
  { reasoning, reasoningBudget, tools, format }: AnswerRequest,
  context: ServingContext,
): OutputPlan | undefined {
  const reasons = reasoning ?? context.settings.reasoning.enabled
  // Most answers are plain text.
  if (!reasons && !tools && !format) return undefined
  const parts: Parts = {
    reasoning: reasons ? new Reasoning(context, reasoningBudget) : undefined,
    tools: tools && ToolCalls.of(tools, context),
    structured: format && new StructuredAnswer(format, context),
  }
  if (!parts.reasoning && !parts.tools && !parts.structured) return undefined
  return { plan: given => plan(parts, given) }
}

function plan({ reasoning, tools, structured }: Parts, context: PlanContext): PlannedOutput | undefined {
  const { random, maxTokens } = context
  const calls = tools?.plan(random)
  if (calls) {
    const thought = reasoning?.plan(random, Number.POSITIVE_INFINITY)
    return { ...calls, parts: thought ? [thought, ...calls.parts] : calls.parts }
  }
  const text = structured?.plan(random, maxTokens)
  // Reasoning leaves room for the answer: all of a structure, half of the limit otherwise.
  const thought = reasoning?.plan(random, text ? maxTokens - roomFor(text) : maxTokens / 2)
  const parts: OutputPart[] = thought ? [thought] : []
  if (text) parts.push(text)
  if (parts.length === 0) return undefined
  return { parts, finishReason: 'stop', ...(text ? undefined : { thenText: true }) }
}

/** Tokens of a part. A long one whose tokens are not all made fills any room. */
function roomFor({ tokens, extend }: OutputPart): number {
  return extend ? Number.POSITIVE_INFINITY : tokens.length
}
