import type { EngineCache } from './engine-cache.ts'
import { asRequestError, ContextLengthError, type RequestError } from './errors.ts'
import type { Sequence } from './sequence.ts'
import { StopScanner } from './stop.ts'
import { PlannedSource, type TextContext, type TextMode, type TextSource } from './text-source.ts'

/**
 * Gives a sequence that has just got its slot its KV blocks, its text, and what may stop it.
 * @returns why it cannot run
 */
export function prepare(
  sequence: Sequence,
  cache: EngineCache,
  { text, maxModelLen }: { readonly text: TextMode; readonly maxModelLen: number },
): RequestError | undefined {
  const { promptTokens, request } = sequence
  const { limits } = request
  const completion = limits.maxTokens ?? 1
  if (promptTokens + completion > maxModelLen) return new ContextLengthError(maxModelLen, promptTokens, completion)
  try {
    const missing = cache.allocate(sequence)
    if (missing) return missing
    sequence.source = open(sequence, text, maxModelLen)
    if (!sequence.source.uncut && StopScanner.needed(limits)) sequence.scanner = new StopScanner(limits)
  } catch (error) {
    return asRequestError(error)
  }
  return undefined
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
