import type { Outcome } from '@vllm-sim/core-engine'

/** The `usage` member of a Response object. */
export function responseUsage({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: Outcome): string {
  return (
    `{"input_tokens":${promptTokens},"input_tokens_details":{"cached_tokens":${cachedTokens},"cache_write_tokens":0},` +
    `"output_tokens":${completionTokens},"output_tokens_details":{"reasoning_tokens":${reasoningTokens}},` +
    `"total_tokens":${promptTokens + completionTokens}}`
  )
}
