export type JsonRecord = Readonly<Record<string, unknown>>

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A member that is a list. */
export function listOf(record: JsonRecord, name: string): readonly unknown[] | undefined {
  const value = record[name]
  return Array.isArray(value) ? value : undefined
}
