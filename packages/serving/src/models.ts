import { RequestError } from '@vllm-sim/core-engine'
import type { ServingContext } from './context.ts'

/** What a requested model name stands for. */
export interface ResolvedModel {
  /** The name that answers show. */
  readonly name: string
  readonly lora: boolean
}

/**
 * Finds the model of a request. An adapter keeps its name; every name of the base model becomes the first one.
 * @throws RequestError 404 for an unknown name
 */
export function resolveModel(requested: string | null | undefined, context: ServingContext): ResolvedModel {
  const { servedNames, anyModel } = context.settings
  const name = requested ?? ''
  if (context.engine.loras?.registered.has(name)) return { name, lora: true }
  if (!servedNames.includes(name) && !anyModel) {
    throw new RequestError(404, `The model \`${name}\` does not exist.`)
  }
  return { name: servedNames[0]!, lora: false }
}
