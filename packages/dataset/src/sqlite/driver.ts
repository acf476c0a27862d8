import type Sqlite from 'better-sqlite3'
import type { CompiledQuery, Kysely } from 'kysely'

/** An open SQLite file. */
export type Connection = Sqlite.Database

/** A prepared statement whose parameters are those of the compiled query, in order. */
export interface Prepared<Row> {
  get(...parameters: unknown[]): Row | undefined
  all(...parameters: unknown[]): Row[]
}

/** Opens a file with better-sqlite3, which is loaded at the first call: a server without a dataset does not pay for it. */
export async function connect(path: string, options: Sqlite.Options = {}): Promise<Connection> {
  const { default: Database } = await import('better-sqlite3')
  return new Database(path, options)
}

/**
 * A Kysely query builder that only compiles. Answers are looked up synchronously, which Kysely's own drivers cannot do, so
 * the statements it makes are prepared once, on better-sqlite3 itself.
 */
export async function queryBuilder<Tables>(): Promise<Kysely<Tables>> {
  const { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } = await import('kysely')
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: db => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}

/**
 * Prepares a compiled query of one column; a row is that column's value. The values in the query are only placeholders: pass all
 * of them, in order, at each call.
 */
export function prepareColumn<Value>(connection: Connection, query: CompiledQuery<unknown>): Prepared<Value> {
  return connection.prepare<unknown[], Value>(query.sql).pluck()
}
