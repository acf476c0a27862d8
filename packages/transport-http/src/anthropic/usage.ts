/** Token counts of a message. */
export interface MessageUsage {
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly thinking: number
}

/**
 * The members of `usage` that a message and the end of its stream have in common. `input_tokens` counts the whole prompt,
 * cached tokens included, so that it is what counting the same request gives.
 */
function counts({ input, cached, output, thinking }: MessageUsage): string {
  return (
    `"input_tokens":${input},"cache_creation_input_tokens":0,"cache_read_input_tokens":${cached},` +
    `"output_tokens":${output},"output_tokens_details":{"thinking_tokens":${thinking}},"server_tool_use":null`
  )
}

/** `usage` of a message. */
export function messageUsage(usage: MessageUsage): string {
  return `{${counts(usage)},"cache_creation":null,"inference_geo":null,"service_tier":"standard","speed":null}`
}

/** `usage` of the event that ends a stream. */
export function deltaUsage(usage: MessageUsage): string {
  return `{${counts(usage)}}`
}
