import { RequestError } from '@vllm-sim/core-engine'
import { cut, longestName } from './brief.ts'
import type { GenerationEngine } from './context.ts'
import type { ServingSettings } from './settings.ts'

/** What a requested model name stands for. */
export interface ResolvedModel {
  /** The name that answers show. */
  readonly name: string
  readonly lora: boolean
}

/** What the names of a server's models are found in: a `ServingContext` is one. */
export interface ModelNames {
  readonly settings: Pick<ServingSettings, 'servedNames' | 'anyModel'>
  readonly engine: Pick<GenerationEngine, 'loras'>
}

/**
 * Finds the model of a request. An adapter keeps its name; every name of the base model becomes the first one.
 * @throws RequestError 404 for an unknown name
 */
export function resolveModel(requested: string | null | undefined, { settings, engine }: ModelNames): ResolvedModel {
  const { servedNames, anyModel } = settings
  const name = requested ?? ''
  if (engine.loras?.registered.has(name)) return { name, lora: true }
  if (!servedNames.includes(name) && !anyModel) {
    throw new RequestError(404, `The model \`${cut(name, longestName)}\` does not exist.`)
  }
  return { name: servedNames[0]!, lora: false }
}
