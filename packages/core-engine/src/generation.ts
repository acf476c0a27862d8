import type { RequestError } from './errors.ts'
import type { FinishReason, Outcome } from './request.ts'
import type { Sequence } from './sequence.ts'
import type { TokenBatch } from './token.ts'

/**
 * Generates `due` further tokens of a sequence, and those after them that need no time of their own, into `batch`. Fewer
 * when the text ends, or while its end may be the beginning of a stop string.
 */
export function generate(sequence: Sequence, due: number, batch: TokenBatch): void {
  const { source, scanner } = sequence
  for (let left = due; left > 0 && !sequence.complete; ) {
    if (!source || source.done) {
      complete(sequence, batch)
      return
    }
    const token = source.next()
    if (!scanner) batch.tokens[batch.count++] = token
    else {
      const match = scanner.push(token, batch.add)
      if (match) {
        sequence.stopReason = match.reason
        sequence.complete = true
        return
      }
    }
    if (source.done) complete(sequence, batch)
    else if (!source.nextIsFree) left--
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

/** What is told of a sequence at its end. */
export function outcomeOf(sequence: Sequence, reason: FinishReason, error?: RequestError): Outcome {
  const { generatedTokens, source } = sequence
  return {
    finishReason: reason,
    stopReason: sequence.stopReason,
    promptTokens: sequence.promptTokens,
    cachedTokens: sequence.cachedTokens,
    completionTokens: generatedTokens > 0 ? generatedTokens + (source?.hiddenTokens ?? 0) : 0,
    reasoningTokens: Math.min(sequence.reasoningTokens, generatedTokens),
    ...(error ? { error } : undefined),
  }
}
