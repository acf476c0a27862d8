import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { encodeStored } from '../answers/stored.ts'

/** A new directory that is removed when the `using` block ends. */
export function temporaryDirectory(): { path: string; file(name: string): string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'dataset-'))
  return {
    path,
    file: name => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

const human = { ids: [9707, 3738, 0], pieces: ['Hello', ' human', '!'] }
const long = {
  ids: [574, 374, 17847, 1293, 2033, 11, 432, 1265, 6644, 518, 3245, 220, 16, 15, 11211],
  pieces: 'this| is| assistant| long| response|,| it| should| contain| at| least| |1|0| tokens'.split('|'),
}
const short = { ids: [8676, 2033], pieces: ['short', ' response'] }

/** The six rows of the reference's valid fixture. */
export const validRows = [
  { hash: '73205d2e432e6b117e0b75cdddeac019ee863f4b524f75bf57c15c5a47a445e4', answer: human },
  { hash: '4e2769b9b4559db333545e56e1c01d026de3595756a82207803f85248a9e7d45', answer: human },
  { hash: '90db35b48bf168f20fa36537861e1d64fac6af372267aec9d10437a3f83f8bec', answer: long },
  { hash: '83b8d347e654a75bc348fdb89c011904ac8bac9018822c095d7ab221b5c92c6a', answer: long },
  { hash: '737678c126001f1aecfdfef8c8403c235c5f17c78851af467a597f057fc14dfc', answer: short },
  { hash: 'a57863ca4a26f377c8e67471c418ab26315b6d60b323ce34676de0aca3f7cec8', answer: short },
]

/** Prompt ids whose hashes are in the valid fixture. */
export const prompts = {
  helloWorld: [9707, 1879, 0],
  oneToTen: [
    16, 11, 220, 17, 11, 220, 18, 11, 220, 19, 11, 220, 20, 11, 220, 21, 11, 220, 22, 11, 220, 23, 11, 220, 24, 11, 220,
    16, 15,
  ],
  helloWorldAgain: [9707, 1879, 1549],
  helloWorldChat: [151644, 872, 198, 9707, 1879, 0, 151645, 198, 151644, 77091, 198, 151667, 271, 151668, 271],
}

/** The table as the reference makes it: no index. */
export const referenceTable =
  'CREATE TABLE IF NOT EXISTS llmd (id INTEGER PRIMARY KEY, prompt_hash BLOB NOT NULL, gen_tokens JSON NOT NULL, n_gen_tokens INTEGER NOT NULL)'

/** Makes an SQLite file. */
export function makeFile(path: string, sql: string, fill?: (db: Database.Database) => void): string {
  const db = new Database(path)
  db.exec(sql)
  if (fill) db.transaction(fill)(db)
  db.close()
  return path
}

/** Adds rows to a table of answers. */
export function insertRows(
  db: Database.Database,
  rows: { hash: Uint8Array | string; answer: { ids: number[]; pieces: string[] }; length?: number }[],
  table = 'llmd',
): void {
  const insert = db.prepare(`INSERT INTO "${table}" (prompt_hash, gen_tokens, n_gen_tokens) VALUES (?, ?, ?)`)
  for (const { hash, answer, length } of rows)
    insert.run(
      typeof hash === 'string' ? Buffer.from(hash, 'hex') : hash,
      encodeStored(answer),
      length ?? answer.ids.length,
    )
}

/** The reference's `test.valid.sqlite3`. */
export function validFile(path: string): string {
  return makeFile(path, referenceTable, db => insertRows(db, validRows))
}

/** The reference's files with a mistake in them, and the error each must give. */
export const invalidFiles = {
  'test.invalid.sqlite3': {
    make: (path: string) => writeFileSync(path, 'just a text.\n'),
    error: /^database is locked or has other active connections: .*file is not a database/,
  },
  'test.invalid.table.sqlite3': {
    make: (path: string) =>
      makeFile(
        path,
        `CREATE TABLE llmdx (prompt_hash BLOB NOT NULL, gen_tokens JSON NOT NULL, n_gen_tokens INTEGER NOT NULL);
         INSERT INTO llmdx VALUES (x'00', '{}', 0)`,
      ),
    error: /^failed to verify database: missing expected column in llmd table: id .*llmdx/,
  },
  'test.invalid.column.sqlite3': {
    make: (path: string) =>
      makeFile(path, 'CREATE TABLE llmd (hash BLOB NOT NULL, gen_tokens JSON NOT NULL, n_gen_tokens INTEGER NOT NULL)'),
    error: /^failed to verify database: missing expected column in llmd table: id$/,
  },
  'test.invalid.type.sqlite3': {
    make: (path: string) =>
      makeFile(
        path,
        'CREATE TABLE llmd (prompt_hash BLOB NOT NULL, gen_tokens TEXT NOT NULL, n_gen_tokens INTEGER NOT NULL)',
      ),
    error: /^failed to verify database: column gen_tokens has incorrect type: expected JSON, got TEXT$/,
  },
}

/** A small repeatable stream of random integers (mulberry32). */
export function seeded(seed: number): { int(min: number, max: number): number } {
  let state = seed | 0
  return {
    int(min, max) {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return min + Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * (max - min + 1))
    },
  }
}
