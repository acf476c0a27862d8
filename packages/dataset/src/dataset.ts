import type { Kysely } from 'kysely'
import { fitAnswer } from './answers/fit.ts'
import { LengthIndex } from './answers/length-index.ts'
import type { Answer, AnswerSource, RandomIntegers } from './answers/source.ts'
import { type DecodeOptions, decodeStored, type StoredAnswer } from './answers/stored.ts'
import { DatasetError, messageOf, sqliteErrorCode } from './errors.ts'
import { promptHash } from './prompt-hash.ts'
import { type Connection, type Prepared, prepareColumn } from './sqlite/driver.ts'
import type { LookupKind } from './sqlite/lookup.ts'
import type { ReadTables } from './sqlite/schema.ts'

/** An open dataset. Made by `openDataset`. */
export class Dataset implements AnswerSource {
  /** The file. */
  readonly path: string
  /** Where lookups are made. */
  readonly kind: LookupKind
  readonly #connection: Connection
  readonly #decoding: DecodeOptions
  readonly #byLength: LengthIndex
  readonly #count: Prepared<number>
  readonly #pick: Prepared<Uint8Array | string>
  readonly #fetch: Prepared<Uint8Array | string>

  /** @throws DatasetError `query`, `empty` */
  constructor(
    path: string,
    kind: LookupKind,
    connection: Connection,
    db: Kysely<ReadTables>,
    decoding: DecodeOptions = {},
  ) {
    this.path = path
    this.kind = kind
    this.#connection = connection
    this.#decoding = decoding
    const matches = db
      .selectFrom('lookup')
      .where('prompt_hash', '=', new Uint8Array())
      .where('n_gen_tokens', '>=', 0)
      .where('n_gen_tokens', '<=', 0)
    this.#count = prepareColumn(connection, matches.select(eb => eb.fn.countAll().as('count')).compile())
    // No ORDER BY: the index already gives the rows in order of length and row, and SQLite plans twice as fast without.
    const pick = db
      .selectFrom('answers')
      .select('gen_tokens')
      .where('row_id', '=', matches.select('row_id').limit(1).offset(0))
    this.#pick = prepareColumn(connection, pick.compile())
    this.#fetch = prepareColumn(
      connection,
      db.selectFrom('answers').select('gen_tokens').where('row_id', '=', 0).compile(),
    )
    this.#byLength = readLengths(connection, db)
  }

  /** Number of answers. */
  get size(): number {
    return this.#byLength.size
  }

  answer(promptIds: ArrayLike<number>, maxTokens: number, ignoreEos: boolean, random: RandomIntegers): Answer {
    if (!this.#connection.open) throw new DatasetError('closed', `the dataset ${this.path} is closed`)
    if (!(maxTokens >= 0)) throw new RangeError(`the token limit must be a number from 0, got ${maxTokens}`)
    const limit = Math.min(Math.floor(maxTokens), longest)
    const stored =
      this.#matching(promptHash(promptIds), limit, ignoreEos, random) ?? this.#any(limit, ignoreEos, random)
    return fitAnswer(stored, limit, ignoreEos)
  }

  /** Closes the file. Answers can no longer be asked for. */
  close(): void {
    this.#connection.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** A row of this very prompt: the classes of lengths are tried in order of preference. */
  #matching(hash: Uint8Array, limit: number, ignoreEos: boolean, random: RandomIntegers): StoredAnswer | undefined {
    for (const [shortest, most] of ignoreEos
      ? ([
          [limit, limit],
          [limit + 1, longest],
          [0, limit - 1],
        ] as const)
      : ([
          [0, limit],
          [limit + 1, longest],
        ] as const)) {
      if (shortest > most) continue
      const count = this.#query(() => this.#count.get(hash, shortest, most)) ?? 0
      if (count > 0) {
        const position = random.int(0, count - 1)
        return this.#decode(() => this.#pick.get(hash, shortest, most, 1, position))
      }
    }
    return undefined
  }

  /** A row of the whole table: one whose length suits, else any. */
  #any(limit: number, ignoreEos: boolean, random: RandomIntegers): StoredAnswer {
    const end = this.#byLength.countUpTo(limit)
    const start = ignoreEos ? this.#byLength.countUpTo(limit - 1) : 0
    const position = end > start ? random.int(start, end - 1) : random.int(0, this.#byLength.size - 1)
    return this.#decode(() => this.#fetch.get(this.#byLength.rowAt(position)))
  }

  #decode(read: () => Uint8Array | string | undefined): StoredAnswer {
    const value = this.#query(read)
    if (value === undefined || value === null)
      throw new DatasetError('bad-row', `failed to scan row: a row of ${this.path} is gone or has no gen_tokens`)
    return decodeStored(value, this.#decoding)
  }

  #query<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw new DatasetError(sqliteErrorCode(error, 'query'), messageOf(error), error)
    }
  }
}

/** More tokens than any answer has. */
const longest = Number.MAX_SAFE_INTEGER

function readLengths(connection: Connection, db: Kysely<ReadTables>): LengthIndex {
  const usable = db.selectFrom('lookup').where('n_gen_tokens', '>=', 0).where('n_gen_tokens', '<=', longest)
  try {
    const groups = connection
      .prepare<unknown[], { length: number; count: number }>(
        usable
          .select(eb => ['n_gen_tokens as length', eb.fn.countAll().as('count')])
          .groupBy('n_gen_tokens')
          .orderBy('n_gen_tokens')
          .compile().sql,
      )
      .all(0, longest)
    const rows = prepareColumn<number>(
      connection,
      usable.select('row_id').orderBy('n_gen_tokens').orderBy('row_id').compile(),
    ).all(0, longest)
    return new LengthIndex(groups, rows)
  } catch (error) {
    throw new DatasetError(sqliteErrorCode(error, 'query'), `failed to query database: ${messageOf(error)}`, error)
  }
}
