import { isObject, type ToolChoice } from '@vllm-sim/serving'
import { unparsable } from '../../generation/unparsable.ts'

/** A function as the Responses protocol writes it: flat, with all members. */
export interface FunctionTool {
  readonly type: 'function'
  readonly name: string
  readonly description?: string
  readonly parameters: unknown
  readonly strict: boolean | null
}

/**
 * Reads `tools`, in the flat form of this protocol or the nested one of chat.
 * @throws RequestError 400
 */
export function parseTools(tools: unknown): FunctionTool[] {
  if (tools === undefined || tools === null) return []
  if (!Array.isArray(tools)) throw unparsable(`tools must be an array: got ${typeof tools}`)
  return tools.map(readTool)
}

function readTool(tool: unknown): FunctionTool {
  if (!isObject(tool)) throw invalid('a tool must be an object')
  const type = tool['type'] || 'function'
  if (type !== 'function') throw unparsable(`unsupported tool type ${JSON.stringify(String(type))}`)
  const nested = tool['function']
  const { name, description, parameters, strict } = isObject(nested) ? nested : tool
  if (name !== undefined && name !== null && typeof name !== 'string') throw invalid('`name` must be a string')
  if (!name) throw unparsable('tool name is required')
  return {
    type,
    name,
    ...(typeof description === 'string' ? { description } : undefined),
    parameters: parameters ?? null,
    strict: typeof strict === 'boolean' ? strict : null,
  }
}

function invalid(detail: string): Error {
  return unparsable(`invalid tool entry: ${detail}`)
}

/** Functions as chat templates know them. */
export function templateTools(tools: readonly FunctionTool[]): object[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, ...(description === undefined ? undefined : { description }), parameters },
  }))
}

/** `tool_choice` as it was sent, and in its one common form. */
interface SentChoice {
  readonly tool_choice?: unknown
  readonly choice: ToolChoice
}

/**
 * Which functions an answer calls: made for agent loops, so the first turn calls one unless the request says otherwise,
 * and after a function's result there are no further calls.
 */
export function turnChoice({ tool_choice: sent, choice }: SentChoice, afterResult: boolean): ToolChoice {
  if (afterResult) return { mode: 'none' }
  return sent === undefined || sent === null || sent === 'auto' ? { mode: 'required' } : choice
}

/** `tool_choice` as answers repeat it. */
export function shownChoice({ tool_choice: sent, choice }: SentChoice): unknown {
  switch (choice.mode) {
    case 'named':
      return { type: 'function', name: choice.name }
    case 'allowed':
      return {
        type: 'allowed_tools',
        mode: choice.required ? 'required' : 'auto',
        tools: choice.names.map(name => ({ type: 'function', name })),
      }
    default:
      return isObject(sent) ? sent : choice.mode
  }
}
