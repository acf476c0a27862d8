import { encodeStored } from '../answers/stored.ts'
import { DatasetError, isDiskFull, messageOf } from '../errors.ts'
import { type Connection, type Prepared, prepareColumn, queryBuilder } from '../sqlite/driver.ts'
import { applicationId, createIndexes, createTable, formatVersion, quoted } from '../sqlite/schema.ts'
import type { OutputRow } from './convert.ts'

/** Where an import stands. Saved together with the rows, so that both are always of the same moment. */
export interface Checkpoint {
  /** Source records that are done. */
  records: number
  rows: number
  tokens: number
  /** Size of the JSON output, in bytes. */
  jsonBytes: number
  /** Records, or pairs of turns, that were left out, by reason. */
  problems: Record<string, number>
}

/** The table that holds the checkpoint while the import runs. It is gone from the finished file. */
const checkpointTable = 'vllm_sim_import'

interface CheckpointTables {
  [checkpointTable]: { one: number; fingerprint: string; state: string }
}

/** The database that an import writes. Rows are kept from one `save` to the next only. */
export class DatabaseOutput {
  readonly #connection: Connection
  readonly #table: string
  readonly #insert: Prepared<unknown>['get']
  readonly #save: Prepared<unknown>['get']
  readonly #load: Prepared<string>

  private constructor(connection: Connection, table: string, insert: string, save: string, load: Prepared<string>) {
    this.#connection = connection
    this.#table = table
    const insertion = connection.prepare(insert)
    this.#insert = (...parameters) => insertion.run(...parameters)
    const saving = connection.prepare(save)
    this.#save = (...parameters) => saving.run(...parameters)
    this.#load = load
  }

  /**
   * Prepares a new or half-finished database for rows.
   *
   * @param connection to the file, for writing; it is closed with `close` or `finish`
   * @throws DatasetError
   */
  static async open(connection: Connection, table: string): Promise<DatabaseOutput> {
    const db = await queryBuilder<CheckpointTables>()
    try {
      // A write-ahead log: what is saved survives the end of the process, and saving does not wait for the disk each time.
      connection.pragma('journal_mode = WAL')
      connection.pragma('synchronous = NORMAL')
      connection.exec(createTable(table))
      connection.exec(
        `CREATE TABLE IF NOT EXISTS ${checkpointTable} (one INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, state TEXT NOT NULL)`,
      )
    } catch (error) {
      throw failure('failed to create table', error)
    }
    try {
      // The name is quoted here: in a Kysely table name, a dot would separate the schema.
      const insert = `INSERT INTO ${quoted(table)} (prompt_hash, gen_tokens, n_gen_tokens) VALUES (?, ?, ?)`
      const save = db.replaceInto(checkpointTable).values({ one: 1, fingerprint: '', state: '' }).compile()
      const load = db.selectFrom(checkpointTable).select('state').where('fingerprint', '=', '').compile()
      return new DatabaseOutput(connection, table, insert, save.sql, prepareColumn(connection, load))
    } catch (error) {
      throw failure('failed to prepare statement', error)
    }
  }

  /** Where an earlier import with the same fingerprint stopped. */
  checkpoint(fingerprint: string): Checkpoint | undefined {
    const state = this.#load.get(fingerprint)
    return state === undefined ? undefined : JSON.parse(state)
  }

  /** Adds a row; it is kept by the next `save`. */
  add(row: OutputRow): void {
    if (!this.#connection.inTransaction) this.#run('failed to begin transaction', () => this.#connection.exec('BEGIN'))
    let tokens: Buffer
    try {
      tokens = encodeStored(row)
    } catch (error) {
      throw failure('failed to marshal gen_tokens', error)
    }
    this.#run('failed to insert record', () => this.#insert(row.promptHash, tokens, row.ids.length))
  }

  /** Keeps all rows so far. */
  save(fingerprint: string, checkpoint: Checkpoint): void {
    this.#run('failed to commit transaction', () => {
      if (!this.#connection.inTransaction) this.#connection.exec('BEGIN')
      this.#save(1, fingerprint, JSON.stringify(checkpoint))
      this.#connection.exec('COMMIT')
    })
  }

  /** The first row, for the card. */
  first(): { hash: string; tokens: Buffer } | undefined {
    const query = `SELECT lower(hex(prompt_hash)) AS hash, gen_tokens AS tokens FROM ${quoted(this.#table)} WHERE id = 1`
    return this.#connection.prepare<[], { hash: string; tokens: Buffer }>(query).get()
  }

  /** Makes the indexes, leaves one plain file and closes it. */
  finish(): void {
    this.#run('failed to finish the database', () => {
      for (const statement of createIndexes(this.#table)) this.#connection.exec(statement)
      this.#connection.exec(`
        BEGIN;
        DROP TABLE ${checkpointTable};
        PRAGMA application_id = ${applicationId};
        PRAGMA user_version = ${formatVersion};
        COMMIT;`)
      this.#connection.pragma('journal_mode = DELETE')
      this.#connection.close()
    })
  }

  /** Closes the file without keeping what was not saved. */
  close(): void {
    if (this.#connection.open) this.#connection.close()
  }

  #run(what: string, action: () => void): void {
    try {
      action()
    } catch (error) {
      throw failure(what, error)
    }
  }
}

function failure(what: string, error: unknown): DatasetError {
  return new DatasetError(isDiskFull(error) ? 'disk-full' : 'io', `${what}: ${messageOf(error)}`, error)
}
