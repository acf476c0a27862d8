import { Dataset } from './dataset.ts'
import { codeOf, DatasetError, messageOf, sqliteErrorCode } from './errors.ts'
import { checkFile } from './sqlite/check-file.ts'
import { checkTable } from './sqlite/check-table.ts'
import { type Connection, connect, queryBuilder } from './sqlite/driver.ts'
import { prepareLookup } from './sqlite/lookup.ts'
import { defaultTable, type ReadTables } from './sqlite/schema.ts'

/** How a dataset is opened. */
export interface OpenOptions {
  /** The SQLite file. It is only read; any number of processes and threads may have it open. */
  path: string
  /** Default `llmd`. */
  table?: string
  /** Copies the table into memory, then no answer waits for the disk. Default false. */
  inMemory?: boolean
  /** Reads every page of the file and reports damage now and not when a row is asked for. Default false. */
  thorough?: boolean
  /** The id of a piece of text, for old files whose rows have no ids. Default: the simulated tokenizer's. */
  pieceId?: (piece: string) => number
  /** Told once, when a row had to be completed because it was made by an old tool. */
  onWarning?: (message: string) => void
}

/** How long opening waits for another process that writes to the file, in milliseconds. */
const openTimeout = 500
/** The same for an answer. Short, since nothing else runs meanwhile. */
const answerTimeout = 50

/**
 * Opens a dataset and checks it. The messages of errors are the reference's, to which its server adds the prefix
 * `dataset initialization error: `.
 *
 * @throws DatasetError that says what is wrong with the file
 */
export async function openDataset(options: OpenOptions): Promise<Dataset> {
  const { path, table = defaultTable } = options
  if (path === '') throw new DatasetError('no-path', 'no dataset path provided')
  await checkFile(path)
  const connection = await openFile(path)
  try {
    lockOnce(connection, path)
    if (options.thorough) checkPages(connection, path)
    checkTable(connection, table)
    const kind = prepareLookup(connection, table, options.inMemory ?? false)
    const dataset = new Dataset(path, kind, connection, await queryBuilder<ReadTables>(), decoding(options))
    if (dataset.size === 0)
      throw new DatasetError('empty', `Dataset is empty: the table ${table} of ${path} has no answers`)
    connection.pragma(`busy_timeout = ${answerTimeout}`)
    return dataset
  } catch (error) {
    connection.close()
    throw error
  }
}

async function openFile(path: string): Promise<Connection> {
  try {
    return await connect(path, { readonly: true, timeout: openTimeout })
  } catch (error) {
    throw new DatasetError('io', `failed to open database: ${messageOf(error)}`, error)
  }
}

/** Makes sure that the file can be read and that no one else is writing it. A connection for reading locks no one out. */
function lockOnce(connection: Connection, path: string): void {
  try {
    connection.exec('BEGIN EXCLUSIVE; SELECT count(*) FROM main.sqlite_schema; COMMIT')
  } catch (error) {
    const advice =
      codeOf(error) === 'SQLITE_CANTOPEN'
        ? ' (a file in WAL mode needs a writable directory: run "PRAGMA journal_mode = DELETE" on it once)'
        : ''
    throw new DatasetError(
      sqliteErrorCode(error, 'io'),
      `database is locked or has other active connections: ${path}: ${messageOf(error)}${advice}`,
      error,
    )
  }
}

function checkPages(connection: Connection, path: string): void {
  let found: unknown
  try {
    found = connection.pragma('quick_check(1)', { simple: true })
  } catch (error) {
    found = messageOf(error)
  }
  if (found !== 'ok') throw new DatasetError('corrupt', `failed to verify database: ${path} is damaged: ${found}`)
}

function decoding(options: OpenOptions): { pieceId?: (piece: string) => number; onIncomplete: (what: string) => void } {
  let warned = false
  const onIncomplete = (what: string): void => {
    if (warned) return
    warned = true
    options.onWarning?.(`rows of ${options.path} are in an old or damaged format: ${what}`)
  }
  return options.pieceId ? { pieceId: options.pieceId, onIncomplete } : { onIncomplete }
}
