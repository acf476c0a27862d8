import type { Random } from '@vllm-sim/latency'
import { type Budget, SchemaError, StructureError } from './errors.ts'
import { isObject } from './json.ts'
import { checkKeywords } from './schema/keywords.ts'
import { type CompileOptions, compileSchema } from './schema/schema.ts'
import { jsonTexts } from './structured-text.ts'
import type { Text } from './text.ts'

/** A tool as a request declares it. Other members say nothing about arguments. */
export interface ToolDeclaration {
  readonly name?: unknown
  readonly parameters?: unknown
}

/** A second opinion on schemas, for example a validator's meta-schema: what is wrong, or undefined. */
export type SchemaCheck = (schema: unknown) => string | undefined

/** A tool that is refused. */
export class ToolError extends StructureError {
  override name = 'ToolError'
}

/**
 * The reference's tool schema check, made no stricter than JSON Schema: `parameters` must be there,
 * not empty, and a well-formed schema. Annotations, unknown keywords, `$ref` and whatever else a validator accepts pass.
 * Takes time in proportion to the schema's size, and compiles nothing.
 * @param work the request's budget, which pays for the look at every keyword
 * @throws ToolError `Tool validation failed: …`
 */
export function checkTool(tool: ToolDeclaration, check?: SchemaCheck, work?: Budget): void {
  const name =
    typeof tool.name === 'string' && tool.name !== '' ? `tool ${JSON.stringify(tool.name)}` : 'a tool without a name'
  const refuse = (detail: string) => new ToolError(`Tool validation failed: ${name}: ${detail}`)
  const { parameters } = tool
  if (parameters === undefined || parameters === null) throw refuse('parameters is missing; it must be a JSON Schema')
  if (!isObject(parameters)) throw refuse('parameters must be an object')
  if (Object.keys(parameters).length === 0) throw refuse('parameters is empty; it must be a JSON Schema')
  try {
    checkKeywords(parameters, '', work)
  } catch (error) {
    if (error instanceof SchemaError) throw refuse(error.message)
    throw error
  }
  const problem = check?.(parameters)
  if (problem !== undefined) throw refuse(problem)
}

/** Makes argument texts for one tool. */
export interface ToolArguments {
  /** Compact JSON of an object, members in alphabetical order at every level. @param work pays for the work */
  generate(random: Random, work?: Budget): Text
  /** Arguments that are as short as they can be made. */
  smallest(random: Random, work?: Budget): Text
  /** Arguments that are always the same object and take no work. */
  readonly known: Text
}

/**
 * Prepares arguments for a tool's `parameters`. The result can be kept and used for many requests.
 * @param work the request's budget
 * @throws SchemaError when no object fulfils the schema, see `compileSchema`.
 */
export function compileTool(parameters: unknown, options: CompileOptions = {}, work?: Budget): ToolArguments {
  const generator = compileSchema(parameters, { ...options, object: true }, work)
  return jsonTexts(generator, true)
}
