import { sampleDelay } from '@vllm-sim/latency'
import type { EngineCache } from './engine-cache.ts'
import { asRequestError, ContextLengthError, type RequestError } from './errors.ts'
import type { FinishReason, KvTransferParams, Outcome } from './request.ts'
import type { Sequence } from './sequence.ts'
import { StopScanner } from './stop.ts'
import { PlannedSource, type TextContext, type TextMode, type TextSource } from './text-source.ts'
import type { TokenBatch } from './token.ts'

/** What the opening of a sequence needs of its engine. */
interface Opening {
  readonly text: TextMode
  readonly maxModelLen: number
}

/**
 * Gives a sequence that has just got its slot its KV blocks, its text unless it has it, and what may stop it.
 * @returns why it cannot run
 */
export function prepare(sequence: Sequence, cache: EngineCache, opening: Opening): RequestError | undefined {
  const refused = contextError(sequence, opening.maxModelLen)
  if (refused) return refused
  try {
    const missing = cache.allocate(sequence)
    if (missing) return missing
    if (!sequence.source) open(sequence, opening)
  } catch (error) {
    return asRequestError(error)
  }
  return undefined
}

/**
 * Gives a sequence that waits its text, and what may stop it.
 * @returns why it cannot run
 */
export function prepareText(sequence: Sequence, opening: Opening): RequestError | undefined {
  const refused = contextError(sequence, opening.maxModelLen)
  if (refused) return refused
  try {
    open(sequence, opening)
  } catch (error) {
    return asRequestError(error)
  }
  return undefined
}

function contextError({ promptTokens, request }: Sequence, maxModelLen: number): RequestError | undefined {
  const completion = request.limits.maxTokens ?? 1
  if (promptTokens + completion <= maxModelLen) return undefined
  return new ContextLengthError(maxModelLen, promptTokens, completion)
}

function open(sequence: Sequence, { text, maxModelLen }: Opening): void {
  const { limits } = sequence.request
  sequence.source = textOf(sequence, text, maxModelLen)
  if (!sequence.source.uncut && StopScanner.needed(limits)) sequence.scanner = new StopScanner(limits)
}

function textOf(sequence: Sequence, mode: TextMode, maxModelLen: number): TextSource {
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

/**
 * Generates `due` further tokens of a sequence, and those after them that need no time of their own, as the new content of
 * `batch`. Fewer when the text ends, or while its end may be the beginning of a stop string.
 * @param due at least 1
 * @returns why its text could not go on; what came before is in the batch
 */
export function generate(sequence: Sequence, due: number, batch: TokenBatch): RequestError | undefined {
  batch.count = 0
  if (sequence.complete) return undefined
  const { source, scanner } = sequence
  try {
    if (!source || source.done) complete(sequence, batch)
    else if (scanner) scan(sequence, source, scanner, due, batch)
    else copy(sequence, source, due, batch)
  } catch (error) {
    return asRequestError(error)
  }
  return undefined
}

function copy(sequence: Sequence, source: TextSource, due: number, batch: TokenBatch): void {
  const { tokens } = batch
  for (let left = due; left > 0; ) {
    const token = source.next()
    tokens[batch.count++] = token
    if (source.done) {
      sequence.complete = true
      return
    }
    if (!source.nextIsFree) left--
  }
}

function scan(sequence: Sequence, source: TextSource, scanner: StopScanner, due: number, batch: TokenBatch): void {
  for (let left = due; left > 0; ) {
    const match = scanner.push(source.next(), batch.add)
    if (match) {
      sequence.stopReason = match.reason
      sequence.complete = true
      return
    }
    if (source.done) {
      complete(sequence, batch)
      return
    }
    if (!source.nextIsFree) left--
  }
}

function complete(sequence: Sequence, batch: TokenBatch): void {
  sequence.complete = true
  sequence.scanner?.flush(batch.add)
}

/** Why a sequence whose text is over ended. */
export function finishReason(sequence: Sequence): FinishReason {
  if (sequence.request.kvTransfer?.doRemoteDecode) return 'remote_decode'
  return sequence.stopReason !== null ? 'stop' : (sequence.source?.finishReason ?? 'stop')
}

/** Time from the last token to the end: an image that belongs to the answer takes its own. Milliseconds, drawn anew. */
export function extraDelay(sequence: Sequence): number {
  const extra = sequence.request.extraDelay
  return extra ? sampleDelay(extra.mean, extra.deviation, sequence.timing) : 0
}

/** What is told of a sequence at its end. */
export function outcomeOf(
  sequence: Sequence,
  reason: FinishReason,
  error?: RequestError,
  kvTransferParams?: KvTransferParams,
): Outcome {
  const { generatedTokens, source } = sequence
  return {
    finishReason: reason,
    stopReason: sequence.stopReason,
    promptTokens: sequence.promptTokens,
    cachedTokens: sequence.cachedTokens,
    completionTokens: generatedTokens > 0 ? generatedTokens + (source?.hiddenTokens ?? 0) : 0,
    reasoningTokens: Math.min(sequence.reasoningTokens, generatedTokens),
    ...(kvTransferParams ? { kvTransferParams } : undefined),
    ...(error ? { error } : undefined),
  }
}
