import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DatasetError } from './errors.ts'
import { openDataset } from './open.ts'
import { applicationId } from './sqlite/schema.ts'
import {
  insertRows,
  invalidFiles,
  makeFile,
  prompts,
  referenceTable,
  seeded,
  temporaryDirectory,
  validFile,
  validRows,
} from './testing/fixtures.ts'

describe.each([false, true])('what cannot be opened, in memory: %s', inMemory => {
  test.each(Object.entries(invalidFiles))('%s', async (name, { make, error }) => {
    using directory = temporaryDirectory()
    const path = directory.file(name)
    make(path)
    await expect(openDataset({ path, inMemory })).rejects.toThrow(error)
  })

  test('no path, a path that is not there, a directory, an empty file', async () => {
    using directory = temporaryDirectory()
    writeFileSync(directory.file('empty'), '')
    await expect(openDataset({ path: '', inMemory })).rejects.toThrow(/^no dataset path provided$/)
    await expect(openDataset({ path: directory.file('none'), inMemory })).rejects.toThrow(
      /^database file does not exist: ENOENT/,
    )
    await expect(openDataset({ path: directory.path, inMemory })).rejects.toThrow(/it is a directory/)
    await expect(openDataset({ path: directory.file('empty'), inMemory })).rejects.toThrow(/it is empty/)
  })

  test('a table without rows', async () => {
    using directory = temporaryDirectory()
    const path = makeFile(directory.file('a'), referenceTable)
    await expect(openDataset({ path, inMemory })).rejects.toThrow(/^Dataset is empty: the table llmd of /)
  })

  test('a truncated file', async () => {
    using directory = temporaryDirectory()
    const path = bigFile(directory.file('a'))
    const { size } = statSync(path)
    truncateSync(path, size - 4096)
    await expect(openDataset({ path, inMemory })).rejects.toThrow(
      `${path} is truncated: its header promises ${size} bytes, it has ${size - 4096}`,
    )
  })

  test('a file whose pages are overwritten', async () => {
    using directory = temporaryDirectory()
    const path = bigFile(directory.file('a'))
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 4096)
    writeFileSync(path, bytes)
    await expect(openDataset({ path, inMemory, thorough: true })).rejects.toMatchObject({ code: 'corrupt' })
    await expect(openDataset({ path, inMemory })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('malformed'),
    })
  })

  test('a file of a later format', async () => {
    using directory = temporaryDirectory()
    const path = makeFile(
      directory.file('a'),
      `${referenceTable}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = 2`,
    )
    await expect(openDataset({ path, inMemory })).rejects.toThrow(
      'failed to verify database: it has format version 2, this program reads up to 1: use a newer one',
    )
  })

  test('a file that another program is writing', async () => {
    using directory = temporaryDirectory()
    const path = validFile(directory.file('a'))
    const writer = new Database(path)
    writer.exec('BEGIN EXCLUSIVE')
    await expect(openDataset({ path, inMemory })).rejects.toThrow(
      /^database is locked or has other active connections: .*database is locked$/,
    )
    writer.close()
  })

  test('a user_version that another tool set means nothing', async () => {
    using directory = temporaryDirectory()
    const path = validFile(directory.file('a'))
    makeFile(path, 'PRAGMA user_version = 9')
    using dataset = await openDataset({ path, inMemory })
    expect(dataset.size).toBe(6)
  })

  test('columns more, reordered and in a table with a strange name', async () => {
    using directory = temporaryDirectory()
    const path = makeFile(
      directory.file('a'),
      `CREATE TABLE "my ""own"" table" (note TEXT, n_gen_tokens INTEGER, gen_tokens JSON, id INTEGER, prompt_hash BLOB)`,
      db => {
        const insert = db.prepare('INSERT INTO "my ""own"" table" VALUES (?, ?, ?, ?, ?)')
        insert.run('hi', 1, '{"Tokens":[5],"Strings":["a"]}', null, Buffer.from(validRows[2]!.hash, 'hex'))
      },
    )
    using dataset = await openDataset({ path, table: 'my "own" table', inMemory })
    expect(dataset.answer(prompts.helloWorld, 9, false, seeded(1)).ids).toEqual([5])
  })
})

test('whatever bytes are damaged, there is an answer or a DatasetError, never a crash', async () => {
  using directory = temporaryDirectory()
  const good = readFileSync(bigFile(directory.file('good')))
  const path = directory.file('bad')
  const damage = fc.tuple(fc.integer({ min: 0, max: good.length - 1 }), fc.integer({ min: 0, max: 255 }))
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 400 }), fc.boolean(), async (damages, inMemory) => {
      const bytes = Buffer.from(good)
      for (const [at, value] of damages) bytes[at] = value
      writeFileSync(path, bytes)
      try {
        using dataset = await openDataset({ path, inMemory })
        for (let i = 0; i < 50; i++) {
          const { ids, pieces } = dataset.answer([i], 50, false, seeded(i))
          expect(pieces).toHaveLength(ids.length)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(DatasetError)
      }
    }),
    { numRuns: process.env['FULL'] ? 60 : 12 },
  )
})

test('a view is refused in file mode, with the way out, which works', async () => {
  using directory = temporaryDirectory()
  const path = makeFile(
    directory.file('a'),
    `${referenceTable.replace('llmd', 'base')}; CREATE VIEW llmd AS SELECT * FROM base`,
    db => insertRows(db, validRows, 'base'),
  )
  await expect(openDataset({ path })).rejects.toThrow(/with dataset-in-memory only/)
  using dataset = await openDataset({ path, inMemory: true })
  expect(dataset.answer(prompts.helloWorld, 2, false, seeded(1)).pieces).toEqual(['this', ' is'])
})

test('10, 11: many readers share one file, whose bytes stay as they are', async () => {
  using directory = temporaryDirectory()
  const path = validFile(directory.file('a'))
  const before = readFileSync(path)
  const readers = await Promise.all(Array.from({ length: 50 }, (_, i) => openDataset({ path, inMemory: i % 2 === 0 })))
  const workers = [1, 2].map(
    () =>
      new Worker(new URL('./testing/reader.ts', import.meta.url), { workerData: { path, prompt: prompts.helloWorld } }),
  )
  const results = workers.map(
    worker =>
      new Promise((resolve, reject) => {
        worker.on('message', resolve)
        worker.on('error', reject)
      }),
  )
  for (const reader of readers)
    expect(reader.answer(prompts.helloWorld, 2, false, seeded(1)).pieces.join('')).toBe('this is')
  expect(await Promise.all(results)).toEqual([1000, 1000])
  for (const reader of readers) reader.close()
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('importing the package loads no other package', () => {
  const code = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ resolve: (name, context, next) => { loaded.push(name); return next(name, context) } })
    await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
    console.log(JSON.stringify(loaded))`
  const loaded: string[] = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }),
  )
  expect(loaded).toContain('./open.ts')
  expect(loaded.filter(name => !/^(\.|node:|file:)/.test(name))).toEqual([])
})

/** A file with a few hundred pages. */
function bigFile(path: string): string {
  return makeFile(path, referenceTable, db => {
    const pieces = Array.from({ length: 100 }, (_, i) => `piece ${i}`)
    const rows = Array.from({ length: 300 }, (_, i) => ({
      hash: Buffer.alloc(32, i),
      answer: { ids: pieces.map((_, k) => k), pieces },
    }))
    insertRows(db, rows)
  })
}
