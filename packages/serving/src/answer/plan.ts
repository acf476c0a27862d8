import type { OutputPart, OutputPlan, PlanContext, PlannedOutput } from '@vllm-sim/core-engine'
import type { Reasoning } from './reasoning.ts'
import type { StructuredAnswer } from './structured-answer.ts'
import type { ToolCalls } from './tool-calls.ts'

/** What an answer may consist of instead of, or before, the server's ordinary text. */
export interface AnswerParts {
  readonly reasoning?: Reasoning | undefined
  readonly tools?: ToolCalls | undefined
  readonly structured?: StructuredAnswer | undefined
}

/**
 * The plan of an answer: reasoning, then tool calls or, when none is made, structured or ordinary text. Every choice of a
 * request decides for itself.
 * @returns undefined when there is nothing to plan
 */
export function answerPlan(parts: AnswerParts): OutputPlan | undefined {
  if (!parts.reasoning && !parts.tools && !parts.structured) return undefined
  return { plan: context => plan(parts, context) }
}

function plan({ reasoning, tools, structured }: AnswerParts, context: PlanContext): PlannedOutput | undefined {
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
