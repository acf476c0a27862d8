import type { CompileOptions, StructuredText as TextMaker, ToolArguments } from '@vllm-sim/core-engine/structured'
import type { ToolCallSettings } from '../context.ts'
import type { OutputFormat } from './output-format.ts'
import { structured } from './structured.ts'
import { TextCache } from './text-cache.ts'

// Clients send the same few schemas over and over, and compiling one costs more than all the rest of a request.
const constraints = new TextCache<TextMaker>()
const tools = new TextCache<ToolArguments>()

/**
 * Texts of one form.
 * @throws StructureError when there is none, or none that is small enough
 */
export function textMaker(format: OutputFormat, settings: ToolCallSettings): TextMaker {
  const { member: _, ...constraint } = format
  const { integers, numbers, arrayLength } = settings
  const options: CompileOptions = { integers, numbers, arrayLength }
  return constraints.get(JSON.stringify([options, constraint]), () =>
    structured().compileConstraint(constraint, options),
  )
}

/**
 * JSON texts of arguments for a function.
 * @param parameters a JSON Schema; undefined for a function without arguments
 * @throws StructureError when no object fulfils it, or none that is small enough
 */
export function argumentMaker(parameters: unknown, settings: ToolCallSettings): ToolArguments {
  const { skipValidation: _, extraCallPercent: __, ...options } = settings
  return tools.get(JSON.stringify([options, parameters]), () =>
    structured().compileTool(parameters ?? noParameters, options),
  )
}

const noParameters = { type: 'object', properties: {} }
