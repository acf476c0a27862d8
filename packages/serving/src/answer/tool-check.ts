import { RequestError } from '@vllm-sim/core-engine'
import type { Budget } from '@vllm-sim/structured-output'
import type { ToolCallSettings } from '../settings.ts'
import { argumentMaker, type Maker } from './generators.ts'
import { structured } from './structured.ts'
import type { ToolDefinition } from './tools.ts'

/** Tools of a request: each costs microseconds, a hundred with its parsing. */
const mostTools = 4096

/**
 * Checks the definitions of tools: each needs parameters that are a JSON Schema which an object can fulfil.
 * @throws RequestError 400
 */
export function checkTools(tools: readonly ToolDefinition[], settings: ToolCallSettings): void {
  if (tools.length > mostTools) {
    throw new RequestError(400, `tools can have at most ${mostTools} entries, got ${tools.length}.`, 'tools')
  }
  if (settings.skipValidation) return
  const work = structured().requestBudget()
  for (const tool of tools) {
    try {
      structured().checkTool(tool, undefined, work)
    } catch (error) {
      if (error instanceof structured().StructureError) throw new RequestError(400, error.message)
      throw error
    }
    toolMaker(tool, settings, work)
  }
}

/**
 * Texts of arguments for a tool.
 * @param work the budget of the request, which pays for all its tools
 * @throws RequestError 400 when no object fulfils the tool's parameters, or finding one takes too much work
 */
export function toolMaker(tool: ToolDefinition, settings: ToolCallSettings, work: Budget): Maker {
  try {
    return argumentMaker(tool.parameters, settings, work)
  } catch (error) {
    if (!(error instanceof structured().StructureError)) throw error
    throw new RequestError(400, `Tool validation failed: tool ${JSON.stringify(tool.name)}: ${error.message}`)
  }
}
