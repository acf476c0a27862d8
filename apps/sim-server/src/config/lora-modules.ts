import { ConfigError, expected, isObject, reasonOf, toJson, type ValueType } from '@vllm-sim/config'

/** A LoRA adapter that is known from the start. */
export interface LoraModule {
  readonly name: string
  readonly path?: string
  readonly baseModelName?: string
}

/**
 * Reads one value of `--lora-modules`: a JSON object with `name`, `path` and `base_model_name`, or vLLM's `name=path`.
 * An empty name passes; the validation names it.
 */
function parseLoraModule(text: string): LoraModule {
  const trimmed = text.trim()
  if (trimmed.startsWith('{')) return loraFromJson(JSON.parse(trimmed))
  const equals = trimmed.indexOf('=')
  if (equals < 0) {
    throw new Error(
      `${JSON.stringify(text)} is not a LoRA module: write name=path or a JSON object with "name" and "path"`,
    )
  }
  return { name: trimmed.slice(0, equals), path: trimmed.slice(equals + 1) }
}

/** The same from parsed JSON or a YAML mapping. Unknown fields are ignored, `null` counts as absent. */
function loraFromJson(value: unknown): LoraModule {
  if (!isObject(value)) throw new Error('a LoRA module must be a JSON object')
  const field = (key: string): string | undefined => {
    const item = value[key] ?? undefined
    if (item !== undefined && typeof item !== 'string') throw new Error(`${key} of a LoRA module must be a string`)
    return item
  }
  const path = field('path')
  const baseModelName = field('base_model_name')
  return {
    name: field('name') ?? '',
    ...(path !== undefined && { path }),
    ...(baseModelName !== undefined && { baseModelName }),
  }
}

/** LoRA adapters: JSON objects or vLLM's `name=path`. */
export const loraModules: ValueType<readonly LoraModule[]> = {
  label: 'lora...',
  arity: 'many',
  parse(word) {
    try {
      return [parseLoraModule(word)]
    } catch (error) {
      // The reference shows neither the option nor the word.
      throw new ConfigError(reasonOf(error))
    }
  },
  read(node) {
    if (node.kind !== 'list') throw expected('a list', node)
    return node.items.map(item => (item.kind === 'scalar' ? loraFromText(item.text) : loraFromJson(toJson(item))))
  },
  schema: { type: 'array', items: { type: ['string', 'object'] } },
}

/** The reference shows what is wrong with JSON text in a file without the place. */
function loraFromText(text: string): LoraModule {
  try {
    return parseLoraModule(text)
  } catch (error) {
    throw error instanceof SyntaxError ? new ConfigError(error.message) : error
  }
}
