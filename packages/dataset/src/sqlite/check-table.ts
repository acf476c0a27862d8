import { DatasetError, messageOf, sqliteErrorCode } from '../errors.ts'
import type { Connection } from './driver.ts'
import { applicationId, columns, formatVersion } from './schema.ts'

/**
 * Checks the format version of a file and the columns of its table of answers: the four columns must be there with exactly
 * the declared types. More columns are allowed, their order is free, constraints are not looked at.
 *
 * @throws DatasetError `newer-format`, `wrong-type`, `missing-column`, `missing-table`
 */
export function checkTable(connection: Connection, table: string): void {
  if (connection.pragma('application_id', { simple: true }) === applicationId) {
    const version = connection.pragma('user_version', { simple: true }) as number
    if (version > formatVersion)
      throw new DatasetError(
        'newer-format',
        `failed to verify database: it has format version ${version}, this program reads up to ${formatVersion}: use a newer one`,
      )
  }
  let found: { name: string; type: string }[]
  try {
    found = connection.prepare<[string], { name: string; type: string }>(tableInfo).all(table)
  } catch (error) {
    throw new DatasetError(
      sqliteErrorCode(error, 'query'),
      `failed to verify database: failed to query table info for \`${table}\`: ${messageOf(error)}`,
      error,
    )
  }
  for (const { name, type } of found) {
    const expected = columns.find(column => column.name === name)
    if (expected && expected.type !== type)
      throw new DatasetError(
        'wrong-type',
        `failed to verify database: column ${name} has incorrect type: expected ${expected.type}, got ${type}`,
      )
  }
  const missing = columns.find(column => !found.some(({ name }) => name === column.name))
  if (!missing) return
  const text = `failed to verify database: missing expected column in ${table} table: ${missing.name}`
  if (found.length > 0) throw new DatasetError('missing-column', text)
  throw new DatasetError('missing-table', `${text} (there is no such table; the file has: ${tableNames(connection)})`)
}

const tableInfo = "SELECT name, type FROM pragma_table_info(?, 'main') ORDER BY cid"

function tableNames(connection: Connection): string {
  const names = connection
    .prepare<[], string>(
      "SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name",
    )
    .pluck()
    .all()
  return names.length > 0 ? names.join(', ') : 'no tables'
}
