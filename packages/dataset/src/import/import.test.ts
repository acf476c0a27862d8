import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import Database from 'better-sqlite3'
import { parquetWriteFile } from 'hyparquet-writer'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { openDataset } from '../open.ts'
import { connect } from '../sqlite/driver.ts'
import { fixtureConversations, manyConversations } from '../testing/conversations.ts'
import { seeded, temporaryDirectory } from '../testing/fixtures.ts'
import { type ImportOptions, importConversations } from './import.ts'

let directory: ReturnType<typeof temporaryDirectory>
const tokenizer = new SimulatedTokenizer()

beforeEach(() => {
  directory = temporaryDirectory()
  return () => directory[Symbol.dispose]()
})

const run = (source: string, options: Partial<ImportOptions> = {}) =>
  importConversations({
    sources: [directory.file(source)],
    model: 'test-model',
    tokenizer,
    outputPath: directory.file('out'),
    outputFile: 'ds',
    ...options,
  })
const write = (name: string, content: string | Uint8Array) => writeFileSync(directory.file(name), content)
const output = (suffix: string) => directory.file(`out/ds.${suffix}`)
const left = () => readdirSync(directory.file('out')).sort()
const dump = (path = output('sqlite3'), table = 'llmd') => {
  const db = new Database(path, { readonly: true })
  const rows = db
    .prepare(
      `SELECT id, hex(prompt_hash) hash, CAST(gen_tokens AS TEXT) tokens, n_gen_tokens n FROM "${table}" ORDER BY id`,
    )
    .all() as { id: number; hash: string; tokens: string; n: number }[]
  db.close()
  return rows
}

test('14: what it makes is answered as it was written, text and chat, cold and in memory', async () => {
  write('in.json', JSON.stringify(fixtureConversations))
  const report = await run('in.json')
  expect(report).toEqual({
    records: 2,
    rows: 6,
    tokens: expect.any(Number),
    problems: {},
    resumedAt: 0,
    files: [output('sqlite3'), output('json'), output('md')],
  })
  expect(left()).toEqual(['ds.json', 'ds.md', 'ds.sqlite3'])
  for (const inMemory of [false, true]) {
    using dataset = await openDataset({ path: output('sqlite3'), inMemory, thorough: true })
    const messages: { role: string; content: string }[] = []
    for (const { conversations } of fixtureConversations) {
      messages.length = 0
      for (let i = 0; i < conversations.length; i += 2) {
        const [question, answer] = [conversations[i]!.value, conversations[i + 1]!.value]
        messages.push({ role: 'user', content: question })
        for (const { ids } of [tokenizer.encode(question), tokenizer.encodeChat({ messages })]) {
          const found = dataset.answer(ids, 1000, false, seeded(1))
          expect(found.pieces.join('')).toBe(answer)
          expect(found.ids).toEqual(tokenizer.encode(answer).ids)
        }
        messages.push({ role: 'assistant', content: answer })
      }
    }
  }
})

test('the table is what the reference expects: its statement, bytes in gen_tokens, keys as Go writes them', async () => {
  write('in.json', JSON.stringify(manyConversations(1)))
  await run('in.json')
  const db = new Database(output('sqlite3'), { readonly: true })
  expect(db.pragma('table_info(llmd)')).toMatchObject([
    { name: 'id', type: 'INTEGER', pk: 1 },
    { name: 'prompt_hash', type: 'BLOB', notnull: 1 },
    { name: 'gen_tokens', type: 'JSON', notnull: 1 },
    { name: 'n_gen_tokens', type: 'INTEGER', notnull: 1 },
  ])
  expect(db.prepare('SELECT typeof(gen_tokens) FROM llmd').pluck().all()).toEqual(['blob', 'blob'])
  expect(db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()).toEqual(['llmd'])
  expect(db.pragma('journal_mode', { simple: true })).toBe('delete')
  db.close()
  const { tokens, n } = dump()[0]!
  expect(tokens).toMatch(
    /^\{"Tokens":\[\d+(,\d+)*\],"Strings":\["answer ","\\u003c","0","\\u003e ","\\u0026 ","more"\]\}$/,
  )
  expect(n).toBe(6)
})

test('the JSON has two spaces of indentation, base64 hashes and escapes, and a newline at the end', async () => {
  write('in.json', '[{"conversations":[{"from":"human","value":"Hello world!"},{"from":"gpt","value":"a<b"}]}]')
  await run('in.json')
  const text = readFileSync(output('json'), 'utf8')
  const hash = Buffer.from('a0ca83f59d3a35d2d2d91a897001017adecf057e105c832014ced6a069335c31', 'hex').toString('base64')
  const first = `[
  {
    "prompt_hash": "${hash}",
    "n_gen_tokens": 3,
    "gen_tokens": {
      "Tokens": [
        ${tokenizer.encode('a<b').ids.join(',\n        ')}
      ],
      "Strings": [
        "a",
        "\\u003c",
        "b"
      ]
    },
    "input_text": "Hello world!",
    "generated": "a\\u003cb"
  },
  {`
  expect(text.slice(0, first.length)).toBe(first)
  expect(text.endsWith('\n  }\n]\n')).toBe(true)
  expect(JSON.parse(text)).toHaveLength(2)
})

test('the card names model, source with its checksum, table and counts', async () => {
  write('in.json', JSON.stringify(fixtureConversations))
  await run('in.json', {
    table: 'mine',
    chatTemplateKwargs: { enable_thinking: false },
    origin: { kind: 'hub', repo: 'someone/talks', revision: 'main', files: ['data/in.json'] },
  })
  const card = readFileSync(output('md'), 'utf8')
  expect([...card.matchAll(/^##? (.*)$/gm)].map(match => match[1])).toEqual([
    'Dataset Card: ds',
    'Overview',
    'Tokenization Model',
    'Source Dataset',
    'Dataset Formats',
    'Data Fields',
    'Data Example',
    'SQLite Database Schema',
    'Dataset Characteristics',
    'Dataset Statistics',
  ])
  expect(card).toContain('\ntest-model\n')
  expect(card).toContain('{"enable_thinking":false}')
  expect(card).toContain('[someone/talks](https://huggingface.co/datasets/someone/talks), file data/in.json')
  expect(card).toMatch(/SHA-256 `[0-9a-f]{64}`/)
  expect(card).toContain('Table `mine`')
  expect(card).toContain('Source records: 2\n- Generated records: 6')
  const query = card.match(/```sql\n(.*)\n```/)![1]!
  const db = new Database(output('sqlite3'), { readonly: true })
  expect(db.prepare(query).all()).toHaveLength(1)
  db.close()
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
    write('plain.json', text)
    write(name, content)
    await run('plain.json')
    await run(name, { outputFile: 'other' })
    expect(dump(directory.file('out/other.sqlite3'))).toEqual(dump())
  })

  const parquet = (name: string, codec: 'UNCOMPRESSED' | 'SNAPPY' = 'SNAPPY') =>
    parquetWriteFile({
      filename: directory.file(name),
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
    write('plain.json', text)
    await run('plain.json')
    parquet('a.parquet')
    const controller = new AbortController()
    const onProgress = ({ records }: { records: number }): void => {
      if (records === 13) controller.abort()
    }
    await expect(run('a.parquet', { outputFile: 'other', signal: controller.signal, onProgress })).rejects.toThrow(
      /^operation cancelled: /,
    )
    const report = await run('a.parquet', { outputFile: 'other' })
    expect(report.resumedAt).toBe(13)
    expect(dump(directory.file('out/other.sqlite3'))).toEqual(dump())
  })

  test('a Parquet file without conversations, and one that is cut off', async () => {
    parquetWriteFile({
      filename: directory.file('b.parquet'),
      columnData: [{ name: 'text', data: ['x'], type: 'STRING' }],
    })
    await expect(run('b.parquet')).rejects.toThrow(/has none of the columns .*; it has: text/)
    parquet('c.parquet')
    write('c.parquet', readFileSync(directory.file('c.parquet')).subarray(0, 300))
    await expect(run('c.parquet')).rejects.toThrow(/^unmarshal: .*c\.parquet: /)
  })

  test('several files are one source; max-records counts over all of them', async () => {
    write('plain.json', text)
    await run('plain.json', { maxRecords: 25 })
    write('1.json', JSON.stringify(records.slice(0, 11)))
    parquet('2.parquet')
    write('3.jsonl', lines.split('\n').slice(11).join('\n'))
    await run('1.json', {
      sources: [directory.file('1.json'), directory.file('3.jsonl')],
      outputFile: 'other',
      maxRecords: 25,
    })
    expect(dump(directory.file('out/other.sqlite3'))).toEqual(dump())
    const report = await run('1.json', {
      sources: [directory.file('1.json'), directory.file('2.parquet')],
      outputFile: 'third',
    })
    expect(report.records).toBe(41)
  })
})

describe('an import that stopped', () => {
  const text = JSON.stringify(manyConversations(100))
  const stopAt = (count: number): Partial<ImportOptions> => {
    const controller = new AbortController()
    return {
      signal: controller.signal,
      onProgress: ({ records }) => {
        if (records === count) controller.abort(new Error('by the user'))
      },
    }
  }

  test('is continued, and its results are the same to the byte as without the stop', async () => {
    write('in.json', text)
    await run('in.json', { outputFile: 'straight' })
    const log = vi.fn()
    await expect(run('in.json', stopAt(40))).rejects.toThrow(/^operation cancelled: by the user$/)
    expect(left().filter(name => name.startsWith('ds.') && !name.includes('.part'))).toEqual([])
    await expect(run('in.json', { ...stopAt(70), saveEvery: 7 })).rejects.toMatchObject({ code: 'cancelled' })
    const report = await run('in.json', { log })
    expect(report).toMatchObject({ records: 100, rows: 200, resumedAt: 70 })
    expect(log).toHaveBeenCalledWith('continuing after record 70')
    expect(dump()).toEqual(dump(directory.file('out/straight.sqlite3')))
    expect(readFileSync(output('json'), 'utf8')).toBe(readFileSync(directory.file('out/straight.json'), 'utf8'))
    expect(left().filter(name => name.includes('part'))).toEqual([])
  })

  test('starts again when the source, an option or the JSON that was written is another', async () => {
    write('in.json', text)
    await expect(run('in.json', stopAt(40))).rejects.toThrow()
    expect((await run('in.json', { maxRecords: 50 })).resumedAt).toBe(0)
    await expect(run('in.json', { ...stopAt(40), outputFile: 'b' })).rejects.toThrow()
    write('in.json', JSON.stringify(manyConversations(99)))
    expect((await run('in.json', { outputFile: 'b' })).resumedAt).toBe(0)
    await expect(run('in.json', { ...stopAt(40), outputFile: 'c' })).rejects.toThrow()
    writeFileSync(directory.file('out/c.json.part'), '[')
    expect(await run('in.json', { outputFile: 'c' })).toMatchObject({ resumedAt: 0, rows: 198 })
  })

  test('starts again when its database is damaged', async () => {
    write('in.json', text)
    await expect(run('in.json', stopAt(40))).rejects.toThrow()
    writeFileSync(output('sqlite3.part'), 'no database at all')
    expect(await run('in.json')).toMatchObject({ resumedAt: 0, rows: 200 })
    expect(dump()).toHaveLength(200)
  })

  test('a mistake in the source keeps what was before it', async () => {
    write('in.jsonl', `${JSON.stringify(manyConversations(1)[0])}\n{"conversations": nope}\n`)
    await expect(run('in.jsonl')).rejects.toThrow(/^unmarshal: record 2: /)
    expect(left()).toEqual(['ds.json.part', 'ds.sqlite3.part'])
  })
})

describe('a full disk', () => {
  test('of the database: says so, and the same call goes on when there is room', async () => {
    write('in.json', JSON.stringify(manyConversations(2000)))
    const small = async (path: string) => {
      const connection = await connect(path)
      connection.pragma('max_page_count = 40')
      return connection
    }
    await expect(run('in.json', { connect: small, saveEvery: 100 })).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining('database or disk is full'),
    })
    expect(left()).not.toContain('ds.sqlite3')
    const report = await run('in.json')
    expect(report).toMatchObject({ records: 2000, rows: 4000 })
    expect(report.resumedAt).toBeGreaterThan(0)
    expect(new Set(dump().map(({ hash }) => hash)).size).toBe(4000)
  })

  test.runIf(existsSync('/dev/full'))('of the JSON file', async () => {
    write('in.json', JSON.stringify(manyConversations(10)))
    await run('in.json', { outputFile: 'makes-directory' })
    symlinkSync('/dev/full', output('json.part'))
    const connectAfterwards = async (path: string) => connect(path)
    // What an earlier run left is removed, so the link is put back once the new files are opened.
    await expect(
      run('in.json', {
        connect: async path => {
          const connection = await connectAfterwards(path)
          if (!existsSync(output('json.part'))) symlinkSync('/dev/full', output('json.part'))
          return connection
        },
      }),
    ).rejects.toMatchObject({ code: 'disk-full', message: expect.stringContaining('failed to write the JSON file') })
    expect(left()).not.toContain('ds.sqlite3')
  })
})

test('results that exist are not touched, unless told to', async () => {
  write('in.json', JSON.stringify(manyConversations(3)))
  await run('in.json')
  await expect(run('in.json')).rejects.toThrow(`output file already exists: ${output('sqlite3')}`)
  await run('in.json', { overwrite: true, maxRecords: 2, json: false })
  expect(dump()).toHaveLength(4)
  expect(left()).toEqual(['ds.md', 'ds.sqlite3'])
})

test('records that are no conversations are counted and told; if there is nothing else the import fails', async () => {
  write(
    'in.json',
    JSON.stringify([7, ...manyConversations(1), { conversations: [{ from: 'gpt' }, { from: 'human' }] }]),
  )
  const log = vi.fn()
  expect(await run('in.json', { log })).toMatchObject({
    records: 3,
    rows: 2,
    problems: { 'not-a-conversation': 1, 'invalid-role': 1 },
  })
  expect(log.mock.calls).toEqual([
    ['record 1 is left out: not-a-conversation: it is not an object'],
    ['record 3 is left out: invalid-role: turns 1 and 2 are not of user and assistant'],
  ])
  write('none.json', '[1, 2]')
  await expect(run('none.json', { outputFile: 'none' })).rejects.toThrow(/^none of the 2 records could be used: /)
})

test('a tokenizer that fails for every text stops the import', async () => {
  write('in.json', JSON.stringify(manyConversations(100)))
  const broken: ImportOptions['tokenizer'] = {
    kind: 'render',
    encode: () => Promise.reject(new Error('connect ECONNREFUSED')),
    encodeChat: chat => tokenizer.encodeChat(chat),
  }
  await expect(run('in.json', { tokenizer: broken })).rejects.toThrow(
    /^failed to encode conversation output 20 times in a row: connect ECONNREFUSED/,
  )
})

test('an empty list gives an empty table, [] and a card; bad numbers and missing files are refused', async () => {
  write('in.json', '[]')
  expect(await run('in.json')).toMatchObject({ records: 0, rows: 0 })
  expect(readFileSync(output('json'), 'utf8')).toBe('[]\n')
  expect(dump()).toEqual([])
  await expect(run('in.json', { outputFile: 'x', maxRecords: -1 })).rejects.toThrow(
    'max-records must be a whole number above 0, got -1',
  )
  await expect(run('missing.json', { outputFile: 'x' })).rejects.toThrow(/^failed to read file: ENOENT/)
})

test('a table name with quotes, dots and spaces', async () => {
  write('in.json', JSON.stringify(manyConversations(2)))
  await run('in.json', { table: 'a.b c"d' })
  using dataset = await openDataset({ path: output('sqlite3'), table: 'a.b c"d' })
  expect(dataset.size).toBe(4)
  expect(dataset.kind).toBe('file')
})

test('a file of 80 MB is imported with a heap of 32 MB', { timeout: 60_000 }, async () => {
  const file = createWriteStream(directory.file('big.json'))
  const padding = 'x'.repeat(200_000)
  for (let i = 0; i < 400; i++) {
    const record = { padding, ...(manyConversations(1)[0] as object) }
    if (!file.write(`${i === 0 ? '[' : ','}\n${JSON.stringify(record)}`)) await once(file, 'drain')
  }
  file.end(']')
  await once(file, 'close')
  expect(statSync(directory.file('big.json')).size).toBeGreaterThan(80_000_000)
  const code = `
    import { importConversations } from ${JSON.stringify(new URL('./import.ts', import.meta.url).href)}
    import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
    const report = await importConversations({
      sources: [${JSON.stringify(directory.file('big.json'))}],
      outputPath: ${JSON.stringify(directory.file('out'))},
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
