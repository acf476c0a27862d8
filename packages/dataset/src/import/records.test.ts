import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync, statSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { parquetWriteFile } from 'hyparquet-writer'
import { beforeEach, describe, expect, test } from 'vitest'
import { manyConversations } from '../testing/conversations.ts'
import { ImportBench, stopAt } from '../testing/import-bench.ts'

let bench: ImportBench

beforeEach(() => {
  bench = new ImportBench()
  return () => bench[Symbol.dispose]()
})

describe('every kind of source gives the same rows', () => {
  const records = manyConversations(30)
  const text = JSON.stringify(records)
  const lines = records.map(record => JSON.stringify(record)).join('\n')
  test.each([
    ['a.jsonl', lines],
    ['a.json.gz', gzipSync(text)],
    ['a.jsonl.zst', zstdCompressSync(lines)],
    ['a.txt', JSON.stringify(records, undefined, 4)],
  ])('%s', async (name, content) => {
    bench.write('plain.json', text)
    bench.write(name, content)
    await bench.run('plain.json')
    await bench.run(name, { outputFile: 'other' })
    expect(bench.dump('other.sqlite3')).toEqual(bench.dump())
  })

  const parquet = (name: string, codec: 'UNCOMPRESSED' | 'SNAPPY' = 'SNAPPY') =>
    parquetWriteFile({
      filename: bench.file(name),
      codec,
      rowGroupSize: [10],
      columnData: [
        { name: 'id', data: records.map((_, i) => `${i}`) },
        { name: 'conversations', data: records.map(record => (record as { conversations: unknown[] }).conversations) },
      ],
      schema: [
        { name: 'schema', num_children: 2 },
        { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'conversations', repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', repetition_type: 'OPTIONAL', num_children: 2 },
        { name: 'from', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'value', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      ],
    })

  test('Parquet with several row groups, also continued in the middle of one', async () => {
    bench.write('plain.json', text)
    await bench.run('plain.json')
    parquet('a.parquet')
    await expect(bench.run('a.parquet', { outputFile: 'other', ...stopAt(13) })).rejects.toThrow(
      /^operation cancelled: /,
    )
    const report = await bench.run('a.parquet', { outputFile: 'other' })
    expect(report.resumedAt).toBe(13)
    expect(bench.dump('other.sqlite3')).toEqual(bench.dump())
  })

  test('a Parquet file without conversations, and one that is cut off', async () => {
    parquetWriteFile({
      filename: bench.file('b.parquet'),
      columnData: [{ name: 'text', data: ['x'], type: 'STRING' }],
    })
    await expect(bench.run('b.parquet')).rejects.toThrow(/has none of the columns .*; it has: text/)
    parquet('c.parquet')
    bench.write('c.parquet', readFileSync(bench.file('c.parquet')).subarray(0, 300))
    await expect(bench.run('c.parquet')).rejects.toThrow(/^unmarshal: .*c\.parquet: /)
  })

  test('several files are one source; max-records counts over all of them', async () => {
    bench.write('plain.json', text)
    await bench.run('plain.json', { maxRecords: 25 })
    bench.write('1.json', JSON.stringify(records.slice(0, 11)))
    parquet('2.parquet')
    bench.write('3.jsonl', lines.split('\n').slice(11).join('\n'))
    await bench.run('1.json', {
      sources: [bench.file('1.json'), bench.file('3.jsonl')],
      outputFile: 'other',
      maxRecords: 25,
    })
    expect(bench.dump('other.sqlite3')).toEqual(bench.dump())
    const report = await bench.run('1.json', {
      sources: [bench.file('1.json'), bench.file('2.parquet')],
      outputFile: 'third',
    })
    expect(report.records).toBe(41)
  })
})

test('a file of 80 MB is imported with a heap of 32 MB', { timeout: 60_000 }, async () => {
  const file = createWriteStream(bench.file('big.json'))
  const padding = 'x'.repeat(200_000)
  for (let i = 0; i < 400; i++) {
    const record = { padding, ...(manyConversations(1)[0] as object) }
    if (!file.write(`${i === 0 ? '[' : ','}\n${JSON.stringify(record)}`)) await once(file, 'drain')
  }
  file.end(']')
  await once(file, 'close')
  expect(statSync(bench.file('big.json')).size).toBeGreaterThan(80_000_000)
  const code = `
    import { importConversations } from ${JSON.stringify(new URL('./import.ts', import.meta.url).href)}
    import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
    const report = await importConversations({
      sources: [${JSON.stringify(bench.file('big.json'))}],
      outputPath: ${JSON.stringify(bench.output(''))},
      model: 'm',
      tokenizer: new SimulatedTokenizer(),
    })
    console.log(report.rows)`
  const { pathname } = new URL('.', import.meta.url)
  const rows = execFileSync(process.execPath, ['--max-old-space-size=32', '--input-type=module', '-e', code], {
    encoding: 'utf8',
    cwd: pathname,
  })
  expect(rows.trim()).toBe('800')
})
