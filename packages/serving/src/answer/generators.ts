import type { Budget, CompileOptions, StructuredText } from '@vllm-sim/structured-output'
import type { ToolCallSettings } from '../settings.ts'
import type { OutputFormat } from './format.ts'
import { structured } from './structured.ts'
import { TextCache } from './text-cache.ts'

/** Texts of one form, and the steps that they have taken so far. */
export interface Maker {
  readonly texts: StructuredText
  spent: number
}

// Clients send the same few schemas over and over, and compiling one costs more than all the rest of a request.
const makers = new TextCache<Maker>(
  ({ spent }) => spent,
  // That there is too much to do for one request says nothing about this form, and an unforeseen failure may pass.
  error => error instanceof structured().StructureError && !(error instanceof structured().WorkError),
)

/**
 * Texts of one form.
 * @param work the budget of the request
 * @throws StructureError when there is none, or none that is small enough
 */
export function textMaker(format: OutputFormat, settings: ToolCallSettings, work: Budget): Maker {
  const { member: _, ...constraint } = format
  const { integers, numbers, arrayLength } = settings
  const options: CompileOptions = { integers, numbers, arrayLength }
  return makers.get(JSON.stringify(['text', options, constraint]), () =>
    counted(work, () => structured().compileConstraint(constraint, options, work)),
  )
}

/**
 * JSON texts of arguments for a function.
 * @param parameters a JSON Schema; undefined for a function without arguments
 * @param work the budget of the request, which pays for all its functions
 * @throws StructureError when no object fulfils it, or none that is small enough
 */
export function argumentMaker(parameters: unknown, settings: ToolCallSettings, work: Budget): Maker {
  const schema = typeof parameters === 'object' && parameters !== null ? parameters : noParameters
  let seen = ofSchemas.get(settings)
  if (!seen) ofSchemas.set(settings, (seen = new WeakMap()))
  let maker = seen.get(schema)
  if (maker) return maker
  const { skipValidation: _, extraCallPercent: __, ...options } = settings
  maker = makers.get(JSON.stringify(['arguments', options, parameters]), () =>
    counted(work, () => structured().compileTool(parameters ?? noParameters, options, work)),
  )
  seen.set(schema, maker)
  return maker
}

/**
 * Makers of the requests that are there: each is asked for twice, once to check the tool and once to call it, and the key
 * of a large schema is as large.
 */
const ofSchemas = new WeakMap<ToolCallSettings, WeakMap<object, Maker>>()

function counted(work: Budget, compile: () => StructuredText): Maker {
  const before = work.left
  const texts = compile()
  return { texts, spent: before - work.left }
}

const noParameters = { type: 'object', properties: {} }
