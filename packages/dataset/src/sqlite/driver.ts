import type { CompiledQuery, Kysely } from 'kysely'

/** An open SQLite file: better-sqlite3's, as far as it is used. Its own types are not published with it. */
export interface Connection {
  readonly open: boolean
  readonly inTransaction: boolean
  prepare<Parameters extends unknown[], Row>(sql: string): Statement<Parameters, Row>
  exec(sql: string): unknown
  pragma(source: string, options?: { readonly simple?: boolean }): unknown
  close(): unknown
}

/** A prepared statement. */
export interface Statement<Parameters extends unknown[], Row> {
  get(...parameters: Parameters): Row | undefined
  all(...parameters: Parameters): Row[]
  run(...parameters: Parameters): unknown
  /** Makes a row the value of its first column. */
  pluck(): Statement<Parameters, Row>
}

/** A prepared statement whose parameters are those of the compiled query, in order. */
export interface Prepared<Row> {
  get(...parameters: unknown[]): Row | undefined
  all(...parameters: unknown[]): Row[]
}

/** Opens a file with better-sqlite3, which is loaded at the first call: a server without a dataset does not pay for it. */
export async function connect(
  path: string,
  options: { readonly readonly?: boolean; readonly timeout?: number } = {},
): Promise<Connection> {
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
