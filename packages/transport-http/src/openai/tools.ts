import type { RequestError } from '@vllm-sim/core-engine'
import { isObject, type ToolChoice } from '@vllm-sim/serving'
import { unparsable } from '../generation/unparsable.ts'

const auto: ToolChoice = { mode: 'auto' }

/**
 * Reads a wire `tool_choice` in the forms of chat (nested) and Responses (flat). What is not known acts as `auto`, as in
 * the reference.
 * @throws RequestError 400 for an object of unknown type or without a name
 */
export function readToolChoice(value: unknown): ToolChoice {
  if (value === undefined || value === null) return auto
  if (typeof value === 'string') return value === 'none' || value === 'required' ? { mode: value } : auto
  if (typeof value !== 'object') throw unparsable('`tool_choice` must be a string or an object')
  const choice = value as Record<string, unknown>
  switch (choice['type']) {
    case 'function': {
      const name = nameOf(choice)
      if (name === '') throw unparsable('tool_choice function requires a name')
      return { mode: 'named', name }
    }
    case 'allowed_tools':
      return allowedTools(choice)
    case 'custom':
      return auto
    default:
      throw unknownType(choice['type'])
  }
}

function allowedTools(choice: Record<string, unknown>): ToolChoice {
  const nested = choice['allowed_tools']
  const { mode, tools } = (isObject(nested) ? nested : choice) as { mode?: unknown; tools?: unknown }
  const names = (Array.isArray(tools) ? tools : []).filter(isObject).map(nameOf)
  return { mode: 'allowed', required: mode === 'required', names }
}

/** The name of `{function: {name}}` or `{name}`; empty when there is none. */
function nameOf(tool: Record<string, unknown>): string {
  const nested = tool['function']
  const name = (isObject(nested) ? nested : tool)['name']
  return typeof name === 'string' ? name : ''
}

function unknownType(type: unknown): RequestError {
  return unparsable(`unknown ToolChoice type: ${typeof type === 'string' ? type.slice(0, 100) : ''}`)
}
