/** The table that holds the answers, unless `dataset-table-name` says otherwise. */
export const defaultTable = 'llmd'

/** The columns that a table of answers must have, with the exact declared types. In the order in which a missing one is named. */
export const columns = [
  { name: 'id', type: 'INTEGER' },
  { name: 'prompt_hash', type: 'BLOB' },
  { name: 'gen_tokens', type: 'JSON' },
  { name: 'n_gen_tokens', type: 'INTEGER' },
] as const

/** `PRAGMA application_id` of files that the import tool makes: "llmd" in ASCII. Files of other tools have 0. */
export const applicationId = 0x6c6c6d64

/** `PRAGMA user_version` that the import tool writes, and the highest that this version can read. */
export const formatVersion = 1

/** The views or temporary tables that a connection for reading sets up (see `prepareLookup`), for typed queries. */
export interface ReadTables {
  /** One row per answer. */
  answers: { row_id: number; gen_tokens: Uint8Array | string }
  /** Answers by prompt and by length; has, or is a view over a table that has, an index for each. */
  lookup: { row_id: number; prompt_hash: Uint8Array; n_gen_tokens: number }
}

/** `name` as an SQL identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The statement that makes a table of answers; the columns and constraints are the reference's. */
export function createTable(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${quoted(table)} (
  id INTEGER PRIMARY KEY, prompt_hash BLOB NOT NULL, gen_tokens JSON NOT NULL, n_gen_tokens INTEGER NOT NULL)`
}

/** The statements that make a table searchable. The reference's files lack these indexes and it does not mind them. */
export function createIndexes(table: string): string[] {
  return [
    `CREATE INDEX IF NOT EXISTS ${quoted(`${table}_by_prompt`)} ON ${quoted(table)} (prompt_hash, n_gen_tokens)`,
    `CREATE INDEX IF NOT EXISTS ${quoted(`${table}_by_length`)} ON ${quoted(table)} (n_gen_tokens)`,
  ]
}
