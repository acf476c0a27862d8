import { RequestError } from '@vllm-sim/core-engine'
import type { ToolCallSettings } from '../context.ts'
import { argumentMaker } from './generators.ts'
import { structured } from './structured.ts'
import type { ToolDefinition } from './tools.ts'

/**
 * Checks the definitions of tools: each needs parameters that are a JSON Schema which an object can fulfil.
 * @throws RequestError 400
 */
export function checkTools(tools: readonly ToolDefinition[], settings: ToolCallSettings): void {
  if (settings.skipValidation) return
  for (const tool of tools) {
    try {
      structured().checkTool(tool)
    } catch (error) {
      if (error instanceof structured().StructureError) throw new RequestError(400, error.message)
      throw error
    }
    checkArguments(tool, settings)
  }
}

/** @throws RequestError 400 when no object fulfils the tool's parameters */
export function checkArguments(tool: ToolDefinition, settings: ToolCallSettings): void {
  try {
    argumentMaker(tool.parameters, settings)
  } catch (error) {
    if (!(error instanceof structured().StructureError)) throw error
    throw new RequestError(400, `Tool validation failed: tool ${JSON.stringify(tool.name)}: ${error.message}`)
  }
}
