import type { EngineObserver, ObservedSequence } from '@vllm-sim/core-engine'
import type { Logger } from '@vllm-sim/service'

/**
 * One line when a request came in and one for the end of each of its answers.
 * @param level `info` when the lines were asked for, otherwise they are for debugging
 */
export function requestLog(log: Logger, level: 'info' | 'debug'): EngineObserver {
  const received = ({ index, request }: ObservedSequence): void => {
    if (index > 0) return
    const { id, model, lora, prompts, n, limits } = request
    log[level](
      {
        id,
        model,
        ...(lora === undefined ? undefined : { lora }),
        prompt_tokens: prompts.reduce((sum, prompt) => sum + prompt.tokenIds.length, 0),
        choices: prompts.length * n,
        ...(limits.maxTokens === undefined ? undefined : { max_tokens: limits.maxTokens }),
      },
      'Received request',
    )
  }
  return {
    onQueued: received,
    onStarted: sequence => {
      if (sequence.queuedAt < 0) received(sequence)
    },
    onFinished: (sequence, { finishReason, promptTokens, cachedTokens, completionTokens, error }, now) => {
      log[level](
        {
          id: sequence.request.id,
          ...(sequence.index > 0 ? { choice: sequence.index } : undefined),
          finish_reason: finishReason,
          prompt_tokens: promptTokens,
          cached_tokens: cachedTokens,
          completion_tokens: completionTokens,
          ms: Math.round(now - sequence.arrivedAt),
          ...(error ? { error: error.message } : undefined),
        },
        'Finished request',
      )
    },
  }
}
