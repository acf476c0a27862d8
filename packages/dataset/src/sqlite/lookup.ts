import { DatasetError, messageOf, sqliteErrorCode } from '../errors.ts'
import type { Connection } from './driver.ts'
import { quoted } from './schema.ts'

/** Where answers are looked up: in the file, in the file by an index that is in memory, or wholly in memory. */
export type LookupKind = 'file' | 'indexed-in-memory' | 'in-memory'

/**
 * Makes the names `answers` and `lookup` (`ReadTables`) in the connection's temporary schema, which is in memory; the file is
 * not written to. A table that has indexes on `prompt_hash` and `n_gen_tokens` is used where it is. The reference's files have
 * none, and a scan of the whole file per request would be slow: their hashes and lengths are copied (about 100 bytes a row).
 *
 * @param inMemory copies the answers as well, by column name
 * @throws DatasetError `copy`, `unsupported-table`
 */
export function prepareLookup(connection: Connection, table: string, inMemory: boolean): LookupKind {
  connection.pragma('temp_store = MEMORY')
  const source = `main.${quoted(table)}`
  const rowId = hasRowIds(connection, source) ? 'rowid' : 'NULL'
  if (!inMemory && rowId === 'NULL')
    throw new DatasetError(
      'unsupported-table',
      `failed to query database: ${table} is a view or a table without rowid; such a table can be used with dataset-in-memory only`,
    )
  try {
    if (inMemory) {
      connection.exec(`
        CREATE TEMP TABLE answers (row_id INTEGER PRIMARY KEY, prompt_hash BLOB, n_gen_tokens INTEGER, gen_tokens);
        INSERT INTO answers SELECT ${rowId}, prompt_hash, n_gen_tokens, gen_tokens FROM ${source};
        CREATE INDEX temp.answers_by_prompt ON answers (prompt_hash, n_gen_tokens);
        CREATE INDEX temp.answers_by_length ON answers (n_gen_tokens);
        CREATE TEMP VIEW lookup AS SELECT row_id, prompt_hash, n_gen_tokens FROM answers;`)
      return 'in-memory'
    }
    connection.exec(`CREATE TEMP VIEW answers AS SELECT rowid AS row_id, gen_tokens FROM ${source};`)
    if (isIndexed(connection, table)) {
      connection.exec(`CREATE TEMP VIEW lookup AS SELECT rowid AS row_id, prompt_hash, n_gen_tokens FROM ${source};`)
      return 'file'
    }
    connection.exec(`
      CREATE TEMP TABLE lookup (row_id INTEGER PRIMARY KEY, prompt_hash BLOB, n_gen_tokens INTEGER);
      INSERT INTO lookup SELECT rowid, prompt_hash, n_gen_tokens FROM ${source};
      CREATE INDEX temp.lookup_by_prompt ON lookup (prompt_hash, n_gen_tokens);
      CREATE INDEX temp.lookup_by_length ON lookup (n_gen_tokens);`)
    return 'indexed-in-memory'
  } catch (error) {
    throw new DatasetError(sqliteErrorCode(error, 'copy'), `failed to copy data: ${messageOf(error)}`, error)
  }
}

/** False for views and tables WITHOUT ROWID, where SQLite refuses to compile the statement. */
function hasRowIds(connection: Connection, source: string): boolean {
  try {
    connection.prepare(`SELECT rowid FROM ${source}`)
    return true
  } catch {
    return false
  }
}

/** Whether full indexes exist that begin with the two columns that are searched. */
function isIndexed(connection: Connection, table: string): boolean {
  const first = connection
    .prepare<[string], string>(
      `SELECT info.name FROM pragma_index_list(?, 'main') AS list, pragma_index_info(list.name, 'main') AS info
       WHERE list.partial = 0 AND info.seqno = 0`,
    )
    .pluck()
    .all(table)
  return first.includes('prompt_hash') && first.includes('n_gen_tokens')
}
