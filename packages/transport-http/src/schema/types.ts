import type { JsonSchema } from './validator.ts'

// Building blocks of request schemas. Null equals absent throughout.

export const string: JsonSchema = { type: 'string', nullable: true }
export const boolean: JsonSchema = { type: 'boolean', nullable: true }
export const number: JsonSchema = { type: 'number', nullable: true }
export const integer: JsonSchema = { type: 'integer', nullable: true }
export const anyObject: JsonSchema = { type: 'object', nullable: true }

export function arrayOf(items: JsonSchema): JsonSchema {
  return { type: 'array', nullable: true, items }
}

export function object(properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema {
  return { type: 'object', properties, required }
}
