import { RequestError } from '@vllm-sim/core-engine'
import type { ToolChoice, ToolDefinition } from '@vllm-sim/serving'

/** A function as Anthropic's protocol writes it. */
export interface WireTool {
  readonly name?: string | null
  readonly description?: string | null
  readonly input_schema?: unknown
}

export interface WireToolChoice {
  readonly type?: string | null
  readonly name?: string | null
  readonly disable_parallel_tool_use?: boolean | null
}

export function definitions(tools: readonly WireTool[]): ToolDefinition[] {
  return tools.map(({ name, input_schema }) => ({ name: name ?? '', parameters: input_schema }))
}

/** Functions as chat templates know them. */
export function templateTools(tools: readonly WireTool[]): object[] {
  return tools.map(({ name, description, input_schema }) => ({
    type: 'function',
    function: { name: name ?? '', description: description ?? '', parameters: input_schema ?? null },
  }))
}

/**
 * Which functions an answer may, must or must not call. Unknown types act as `auto`.
 * @throws RequestError 400 when a function is demanded without its name
 */
export function readToolChoice(choice: WireToolChoice | null | undefined): ToolChoice {
  switch (choice?.type) {
    case 'any':
      return { mode: 'required' }
    case 'none':
      return { mode: 'none' }
    case 'tool':
      if (!choice.name) {
        throw new RequestError(400, "tool_choice of type 'tool' requires a non-empty 'name'")
      }
      return { mode: 'named', name: choice.name }
    default:
      return { mode: 'auto' }
  }
}
