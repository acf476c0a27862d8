import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { connect } from '../sqlite/driver.ts'
import { manyConversations } from '../testing/conversations.ts'
import { ImportBench, stopAt } from '../testing/import-bench.ts'

let bench: ImportBench

beforeEach(() => {
  bench = new ImportBench()
  return () => bench[Symbol.dispose]()
})

describe('an import that stopped', () => {
  const text = JSON.stringify(manyConversations(100))

  test('is continued, and its results are the same to the byte as without the stop', async () => {
    bench.write('in.json', text)
    await bench.run('in.json', { outputFile: 'straight' })
    const log = vi.fn()
    await expect(bench.run('in.json', stopAt(40))).rejects.toThrow(/^operation cancelled: by the user$/)
    expect(bench.left().filter(name => name.startsWith('ds.') && !name.includes('.part'))).toEqual([])
    await expect(bench.run('in.json', { ...stopAt(70), saveEvery: 7 })).rejects.toMatchObject({ code: 'cancelled' })
    const report = await bench.run('in.json', { log })
    expect(report).toMatchObject({ records: 100, rows: 200, resumedAt: 70 })
    expect(log).toHaveBeenCalledWith('continuing after record 70')
    expect(bench.dump()).toEqual(bench.dump('straight.sqlite3'))
    expect(readFileSync(bench.output('ds.json'), 'utf8')).toBe(readFileSync(bench.output('straight.json'), 'utf8'))
    expect(bench.left().filter(name => name.includes('part'))).toEqual([])
  })

  test('starts again when the source, an option or the JSON that was written is another', async () => {
    bench.write('in.json', text)
    await expect(bench.run('in.json', stopAt(40))).rejects.toThrow()
    expect((await bench.run('in.json', { maxRecords: 50 })).resumedAt).toBe(0)
    await expect(bench.run('in.json', { ...stopAt(40), outputFile: 'b' })).rejects.toThrow()
    bench.write('in.json', JSON.stringify(manyConversations(99)))
    expect((await bench.run('in.json', { outputFile: 'b' })).resumedAt).toBe(0)
    await expect(bench.run('in.json', { ...stopAt(40), outputFile: 'c' })).rejects.toThrow()
    writeFileSync(bench.output('c.json.part'), '[')
    expect(await bench.run('in.json', { outputFile: 'c' })).toMatchObject({ resumedAt: 0, rows: 198 })
  })

  test('starts again when its database is damaged', async () => {
    bench.write('in.json', text)
    await expect(bench.run('in.json', stopAt(40))).rejects.toThrow()
    writeFileSync(bench.output('ds.sqlite3.part'), 'no database at all')
    expect(await bench.run('in.json')).toMatchObject({ resumedAt: 0, rows: 200 })
    expect(bench.dump()).toHaveLength(200)
  })

  test('a mistake in the source keeps what was before it', async () => {
    bench.write('in.jsonl', `${JSON.stringify(manyConversations(1)[0])}\n{"conversations": nope}\n`)
    await expect(bench.run('in.jsonl')).rejects.toThrow(/^unmarshal: record 2: /)
    expect(bench.left()).toEqual(['ds.json.part', 'ds.sqlite3.part'])
  })
})

describe('a full disk', () => {
  test('of the database: says so, and the same call goes on when there is room', async () => {
    bench.write('in.json', JSON.stringify(manyConversations(2000)))
    const small = async (path: string) => {
      const connection = await connect(path)
      connection.pragma('max_page_count = 40')
      return connection
    }
    await expect(bench.run('in.json', { connect: small, saveEvery: 100 })).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('database or disk is full'),
    })
    expect(bench.left()).not.toContain('ds.sqlite3')
    const report = await bench.run('in.json')
    expect(report).toMatchObject({ records: 2000, rows: 4000 })
    expect(report.resumedAt).toBeGreaterThan(0)
    expect(new Set(bench.dump().map(({ hash }) => hash)).size).toBe(4000)
  })

  test.runIf(existsSync('/dev/full'))('of the JSON file', async () => {
    bench.write('in.json', JSON.stringify(manyConversations(10)))
    // The link is made when the import opens its database, since what an earlier run left is removed before.
    const linked = async (path: string) => {
      if (!existsSync(bench.output('ds.json.part'))) symlinkSync('/dev/full', bench.output('ds.json.part'))
      return connect(path)
    }
    await expect(bench.run('in.json', { connect: linked })).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('failed to write the JSON file'),
    })
    expect(bench.left()).not.toContain('ds.sqlite3')
  })
})
