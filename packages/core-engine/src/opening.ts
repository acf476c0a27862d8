import type { Sequence } from './sequence.ts'
import { StopScanner } from './stop.ts'
import { PlannedSource, type TextContext, type TextMode, type TextSource } from './text-source.ts'

/** Gives a sequence that starts its text, and what may stop it. @param mode the server's ordinary text */
export function openText(sequence: Sequence, mode: TextMode, maxModelLen: number): void {
  const { limits } = sequence.request
  sequence.source = open(sequence, mode, maxModelLen)
  if (!sequence.source.uncut && StopScanner.needed(limits)) sequence.scanner = new StopScanner(limits)
}

function open(sequence: Sequence, mode: TextMode, maxModelLen: number): TextSource {
  const { request, prompt, promptTokens, random } = sequence
  const { limits } = request
  const context: TextContext = {
    random,
    promptIds: prompt.tokenIds,
    echo: prompt.echo,
    maxTokens: limits.maxTokens ?? maxModelLen - promptTokens,
    limited: limits.maxTokens !== undefined,
    minTokens: limits.minTokens ?? 0,
    ignoreEos: limits.ignoreEos ?? false,
  }
  const plan = request.output?.plan({ random, maxTokens: context.maxTokens, index: sequence.index })
  if (!plan) return mode.open(context)
  let planned = 0
  for (const part of plan.parts) {
    planned += part.tokens.length
    if (part.kind === 'reasoning') sequence.reasoningTokens += part.tokens.length
  }
  const left = context.maxTokens - planned
  const rest = plan.thenText && left > 0 ? mode.open({ ...context, maxTokens: left }) : undefined
  return new PlannedSource(plan, context.maxTokens, rest)
}
