import fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Dataset } from './dataset.ts'
import { openDataset } from './open.ts'
import { promptHash } from './prompt-hash.ts'
import { createIndexes, createTable } from './sqlite/schema.ts'
import {
  insertRows,
  makeFile,
  prompts,
  referenceTable,
  seeded,
  temporaryDirectory,
  validFile,
  validRows,
} from './testing/fixtures.ts'

const texts = [
  'Hello human!',
  'this is assistant long response, it should contain at least 10 tokens',
  'short response',
]
const unknown = [1, 2, 3]

describe.each([false, true])('the valid fixture, in memory: %s', inMemory => {
  let dataset: Dataset
  beforeAll(async () => {
    const directory = temporaryDirectory()
    dataset = await openDataset({ path: validFile(directory.file('valid.sqlite3')), inMemory })
    return () => {
      dataset.close()
      directory[Symbol.dispose]()
    }
  })
  const ask = (ids: number[], maxTokens: number, ignoreEos = false, seed = 1) => {
    const { pieces, ...rest } = dataset.answer(ids, maxTokens, ignoreEos, seeded(seed))
    return { ...rest, text: pieces.join('') }
  }

  test('1: a known prompt without limit is answered with its row', () => {
    expect(ask(prompts.helloWorld, 1021)).toEqual({ ids: validRows[2]!.answer.ids, text: texts[1], finish: 'stop' })
  })

  test('2: ignore_eos asks for 5 more tokens of preset text', () => {
    expect(ask(prompts.helloWorld, 20, true)).toMatchObject({ text: texts[1], finish: 'length', pad: 5 })
  })

  test('3: a longer row is cut, with and without ignore_eos', () => {
    expect(ask(prompts.helloWorld, 2)).toEqual({ ids: [574, 374], text: 'this is', finish: 'length' })
    expect(ask(prompts.helloWorld, 2, true)).toEqual({ ids: [574, 374], text: 'this is', finish: 'length' })
  })

  test('4: one token is missing', () => {
    expect(ask(prompts.oneToTen, 4, true)).toMatchObject({ text: 'Hello human!', finish: 'length', pad: 1 })
  })

  test('5: equal length counts as cut', () => {
    expect(ask(prompts.oneToTen, 3)).toEqual({ ids: [9707, 3738, 0], text: 'Hello human!', finish: 'length' })
  })

  test('6: an unknown prompt gets a row that fits', () => {
    for (let seed = 0; seed < 20; seed++)
      expect(ask(unknown, 2, false, seed)).toEqual({ ids: [8676, 2033], text: 'short response', finish: 'length' })
  })

  test('7: where no row fits, any row is cut', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const { text, finish, ids } = ask(unknown, 1, false, seed)
      expect(finish).toBe('length')
      expect(ids).toHaveLength(1)
      seen.add(text)
    }
    expect([...seen].sort()).toEqual(['Hello', 'short', 'this'])
  })

  test('8: without a limit every row is possible', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const { text, finish } = ask(unknown, 1021, false, seed)
      expect(finish).toBe('stop')
      seen.add(text)
    }
    expect([...seen].sort()).toEqual([...texts].sort())
  })

  test('9: a chat prompt finds its own row', () => {
    expect(ask(prompts.helloWorldChat, 1000).text).toBe(texts[1])
  })

  test('ignore_eos and an unknown prompt: a row of exactly that length, else any, cut or padded', () => {
    for (let seed = 0; seed < 20; seed++) expect(ask(unknown, 3, true, seed).text).toBe('Hello human!')
    for (let seed = 0; seed < 20; seed++) {
      const { ids, pad = 0, finish } = ask(unknown, 10, true, seed)
      expect(ids.length + pad).toBe(10)
      expect(finish).toBe('length')
    }
  })

  test('15: the same random numbers give the same answers, the fall-back included', () => {
    const run = () => Array.from({ length: 30 }, (_, seed) => ask(unknown, 1 + (seed % 20), seed % 2 === 0, seed))
    expect(run()).toEqual(run())
  })

  test('an answer belongs to its caller', () => {
    const answer = dataset.answer(prompts.helloWorld, 100, false, seeded(1))
    answer.ids.push(1)
    answer.pieces[0] = 'changed'
    expect(ask(prompts.helloWorld, 100).text).toBe(texts[1])
  })

  test('a limit of 0 and one beyond all integers are taken, no number is not', () => {
    expect(ask(prompts.helloWorld, 0)).toEqual({ ids: [], text: '', finish: 'length' })
    expect(ask(prompts.helloWorld, Number.POSITIVE_INFINITY)).toMatchObject({ text: texts[1], finish: 'stop' })
    expect(() => ask(prompts.helloWorld, Number.NaN)).toThrow(RangeError)
  })
})

test('both modes and a file with indexes choose the same rows', async () => {
  using directory = temporaryDirectory()
  const rows = Array.from({ length: 200 }, (_, i) => {
    const ids = Array.from({ length: (i * 7) % 31 }, (_, k) => i * 100 + k)
    return { hash: promptHash([i % 20]), answer: { ids, pieces: ids.map(String) } }
  })
  const plain = makeFile(directory.file('plain'), referenceTable, db => insertRows(db, rows))
  const indexed = makeFile(directory.file('indexed'), [createTable('llmd'), ...createIndexes('llmd')].join(';'), db =>
    insertRows(db, rows),
  )
  const open = [
    await openDataset({ path: plain }),
    await openDataset({ path: plain, inMemory: true }),
    await openDataset({ path: indexed }),
    await openDataset({ path: indexed, inMemory: true }),
  ]
  expect(open.map(dataset => dataset.kind)).toEqual(['indexed-in-memory', 'in-memory', 'file', 'in-memory'])
  for (let i = 0; i < 300; i++) {
    const [first, ...others] = open.map(dataset => dataset.answer([i % 25], 1 + (i % 35), i % 3 === 0, seeded(i)))
    for (const other of others) expect(other).toEqual(first)
  }
  for (const dataset of open) dataset.close()
})

test('for any rows, limit and seed the answer is one of the rows that come first: the prompt’s own that fit, its others, any', async () => {
  using directory = temporaryDirectory()
  let made = 0
  const row = fc.record({ prompt: fc.integer({ min: 0, max: 4 }), length: fc.integer({ min: 0, max: 8 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 10 }), fc.boolean(), fc.integer()), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.boolean(),
      async (rows, questions, inMemory) => {
        const stored = rows.map(({ prompt, length }, i) => {
          const ids = Array.from({ length }, (_, k) => i * 100 + k)
          return { prompt, ids, hash: promptHash([prompt]), answer: { ids, pieces: ids.map(id => `<${id}>`) } }
        })
        const path = makeFile(directory.file(`${made++}`), referenceTable, db => insertRows(db, stored))
        using dataset = await openDataset({ path, inMemory })
        for (const [prompt, limit, ignoreEos, seed] of questions) {
          const matches = stored.filter(row => row.prompt === prompt)
          const pool = matches.length > 0 ? matches : stored
          const first = (...classes: (typeof stored)[]) => classes.find(rows => rows.length > 0)!
          const fits = (rows: typeof stored, test: (length: number) => boolean) =>
            rows.filter(({ ids }) => test(ids.length))
          const allowed = ignoreEos
            ? matches.length > 0
              ? first(
                  fits(pool, n => n === limit),
                  fits(pool, n => n > limit),
                  pool,
                )
              : first(
                  fits(pool, n => n === limit),
                  pool,
                )
            : first(
                fits(pool, n => n <= limit),
                pool,
              )
          const answer = dataset.answer([prompt], limit, ignoreEos, seeded(seed))
          expect(allowed.map(({ ids }) => ids.slice(0, limit))).toContainEqual(answer.ids)
          expect(answer.pieces).toEqual(answer.ids.map(id => `<${id}>`))
          const total = answer.ids.length + (answer.pad ?? 0)
          expect(answer.finish).toBe(total === limit ? 'length' : 'stop')
          if (ignoreEos) expect(total).toBe(limit)
          else expect(answer.pad).toBeUndefined()
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('every row is as likely as the others', async () => {
  using directory = temporaryDirectory()
  const rows = Array.from({ length: 10 }, (_, i) => ({
    hash: promptHash([i < 5 ? 0 : 1]),
    answer: { ids: [i, ...new Array<number>(i % 3).fill(0)], pieces: ['x', ...new Array<string>(i % 3).fill('')] },
  }))
  using dataset = await openDataset({ path: makeFile(directory.file('a'), referenceTable, db => insertRows(db, rows)) })
  const random = seeded(7)
  for (const [prompt, count] of [
    [0, 5],
    [9, 10],
  ] as const) {
    const seen = new Map<number, number>()
    for (let i = 0; i < 2000; i++) {
      const first = dataset.answer([prompt], 100, false, random).ids[0]!
      seen.set(first, (seen.get(first) ?? 0) + 1)
    }
    expect(seen.size).toBe(count)
    for (const times of seen.values()) expect(times / (2000 / count)).toBeGreaterThan(0.75)
  }
})

test('a wrong n_gen_tokens never makes an answer too long', async () => {
  using directory = temporaryDirectory()
  const path = makeFile(directory.file('a'), referenceTable, db =>
    insertRows(db, [{ hash: promptHash([1]), answer: { ids: [1, 2, 3], pieces: ['a', 'b', 'c'] }, length: 1 }]),
  )
  using dataset = await openDataset({ path })
  expect(dataset.answer([1], 2, false, seeded(1))).toEqual({ ids: [1, 2], pieces: ['a', 'b'], finish: 'length' })
})

test('files of older tools are answered from, and warned of once', async () => {
  using directory = temporaryDirectory()
  const path = makeFile(directory.file('old'), referenceTable, db => {
    const insert = db.prepare('INSERT INTO llmd (prompt_hash, gen_tokens, n_gen_tokens) VALUES (?, ?, ?)')
    insert.run(promptHash([1]), '["Hello ","world"]', 2)
    insert.run(promptHash([2]), '{"strings":["a","b"],"numbers":[5,6]}', 2)
  })
  const onWarning = vi.fn()
  using dataset = await openDataset({ path, onWarning })
  expect(dataset.answer([1], 9, false, seeded(1)).ids).toEqual([2871118705, 933488787])
  expect(dataset.answer([1], 9, false, seeded(1)).pieces).toEqual(['Hello ', 'world'])
  expect(dataset.answer([2], 9, false, seeded(1))).toEqual({ ids: [5, 6], pieces: ['a', 'b'], finish: 'stop' })
  expect(onWarning).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('token ids are missing'))
})

test('a damaged row is an error of its own request only', async () => {
  using directory = temporaryDirectory()
  const path = makeFile(directory.file('bad'), referenceTable, db => {
    const insert = db.prepare('INSERT INTO llmd (prompt_hash, gen_tokens, n_gen_tokens) VALUES (?, ?, ?)')
    insert.run(promptHash([1]), '{"Tokens":[1,', 1)
    insert.run(promptHash([2]), Buffer.from('{"Tokens":[5],"Strings":["a"]}'), 1)
  })
  using dataset = await openDataset({ path })
  expect(() => dataset.answer([1], 9, false, seeded(1))).toThrow(/^failed to unmarshal tokens JSON: /)
  expect(dataset.answer([2], 9, false, seeded(1)).ids).toEqual([5])
})

test('after close the error says so', async () => {
  using directory = temporaryDirectory()
  const dataset = await openDataset({ path: validFile(directory.file('a')) })
  dataset.close()
  expect(() => dataset.answer([1], 9, false, seeded(1))).toThrow(/is closed/)
})
