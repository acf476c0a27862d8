import { humanInt, type JsonObject, jsonObject, type ValueType } from '@vllm-sim/config'

/** The value that stands for "as long as the model allows", which only a real model could tell. */
const AUTO_CONTEXT = 1024

/** A context length: as `humanInt`, and `auto` or `-1` for the default. */
export const contextLength: ValueType<number> = {
  ...humanInt,
  label: 'int[kmgtKMGT]|auto',
  parse: (word, warn) => autoContext(word === 'auto' ? -1 : humanInt.parse(word, warn), warn),
  read: (node, warn) =>
    autoContext(node.kind === 'scalar' && node.text === 'auto' ? -1 : humanInt.read(node, warn), warn),
}

function autoContext(value: number, warn: (remark: string) => void): number {
  if (value !== -1) return value
  warn(`"auto" cannot be derived from a model that is not loaded; using ${AUTO_CONTEXT}`)
  return AUTO_CONTEXT
}

/** vLLM's compilation settings: a JSON object, or a level as in `-cc 3`. */
export const jsonOrLevel: ValueType<JsonObject> = {
  ...jsonObject,
  label: 'json|level',
  parse: (word, warn) => (/^\d+$/.test(word) ? { mode: Number(word) } : jsonObject.parse(word, warn)),
  read: (node, warn) => (node.kind === 'scalar' ? jsonOrLevel.parse(node.text, warn) : jsonObject.read(node, warn)),
  schema: { type: ['object', 'string', 'integer'] },
}
