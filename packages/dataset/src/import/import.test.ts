import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { beforeEach, expect, test, vi } from 'vitest'
import { openDataset } from '../open.ts'
import { fixtureConversations, manyConversations } from '../testing/conversations.ts'
import { seeded } from '../testing/fixtures.ts'
import { ImportBench, tokenizer } from '../testing/import-bench.ts'
import type { ImportOptions } from './options.ts'

let bench: ImportBench

beforeEach(() => {
  bench = new ImportBench()
  return () => bench[Symbol.dispose]()
})

test('14: what it makes is answered as it was written, text and chat, cold and in memory', async () => {
  bench.write('in.json', JSON.stringify(fixtureConversations))
  const report = await bench.run('in.json')
  expect(report).toEqual({
    records: 2,
    rows: 6,
    tokens: expect.any(Number),
    problems: {},
    resumedAt: 0,
    files: [bench.output('ds.sqlite3'), bench.output('ds.json'), bench.output('ds.md')],
  })
  expect(bench.left()).toEqual(['ds.json', 'ds.md', 'ds.sqlite3'])
  for (const inMemory of [false, true]) {
    using dataset = await openDataset({ path: bench.output('ds.sqlite3'), inMemory, thorough: true })
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
  bench.write('in.json', JSON.stringify(manyConversations(1)))
  await bench.run('in.json')
  const db = new Database(bench.output('ds.sqlite3'), { readonly: true })
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
  const { tokens, n } = bench.dump()[0]!
  expect(tokens).toMatch(
    /^\{"Tokens":\[\d+(,\d+)*\],"Strings":\["answer ","\\u003c","0","\\u003e ","\\u0026 ","more"\]\}$/,
  )
  expect(n).toBe(6)
})

test('the JSON has two spaces of indentation, base64 hashes and escapes, and a newline at the end', async () => {
  bench.write('in.json', '[{"conversations":[{"from":"human","value":"Hello world!"},{"from":"gpt","value":"a<b"}]}]')
  await bench.run('in.json')
  const text = readFileSync(bench.output('ds.json'), 'utf8')
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
  bench.write('in.json', JSON.stringify(fixtureConversations))
  await bench.run('in.json', {
    table: 'mine',
    chatTemplateKwargs: { enable_thinking: false },
    origin: { kind: 'hub', repo: 'someone/talks', revision: 'main', files: ['data/in.json'] },
  })
  const card = readFileSync(bench.output('ds.md'), 'utf8')
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
  const db = new Database(bench.output('ds.sqlite3'), { readonly: true })
  expect(db.prepare(query).all()).toHaveLength(1)
  db.close()
})

test('results that exist are not touched, unless told to', async () => {
  bench.write('in.json', JSON.stringify(manyConversations(3)))
  await bench.run('in.json')
  await expect(bench.run('in.json')).rejects.toThrow(`output file already exists: ${bench.output('ds.sqlite3')}`)
  await bench.run('in.json', { overwrite: true, maxRecords: 2, json: false })
  expect(bench.dump()).toHaveLength(4)
  expect(bench.left()).toEqual(['ds.md', 'ds.sqlite3'])
})

test('a source is never replaced by the results', async () => {
  bench.write('ds.json', JSON.stringify(manyConversations(3)))
  await expect(bench.run('ds.json', { outputPath: bench.file(''), overwrite: true })).rejects.toThrow(
    /and it is a source/,
  )
  expect(JSON.parse(readFileSync(bench.file('ds.json'), 'utf8'))).toHaveLength(3)
})

test('records that are no conversations are counted and told; if there is nothing else the import fails', async () => {
  bench.write(
    'in.json',
    JSON.stringify([7, ...manyConversations(1), { conversations: [{ from: 'gpt' }, { from: 'human' }] }]),
  )
  const log = vi.fn()
  expect(await bench.run('in.json', { log })).toMatchObject({
    records: 3,
    rows: 2,
    problems: { 'not-a-conversation': 1, 'invalid-role': 1 },
  })
  expect(log.mock.calls).toEqual([
    ['record 1 is left out: not-a-conversation: it is not an object'],
    ['record 3 is left out: invalid-role: turns 1 and 2 are not of user and assistant'],
  ])
  bench.write('none.json', '[1, 2]')
  await expect(bench.run('none.json', { outputFile: 'none' })).rejects.toThrow(/^none of the 2 records could be used: /)
})

test('a tokenizer that fails for every text stops the import', async () => {
  bench.write('in.json', JSON.stringify(manyConversations(100)))
  const broken: ImportOptions['tokenizer'] = {
    kind: 'render',
    encode: () => Promise.reject(new Error('connect ECONNREFUSED')),
    encodeChat: chat => tokenizer.encodeChat(chat),
  }
  await expect(bench.run('in.json', { tokenizer: broken })).rejects.toThrow(
    /^failed to encode conversation output 20 times in a row: connect ECONNREFUSED/,
  )
})

test('an empty list gives an empty table, [] and a card; bad numbers and missing files are refused', async () => {
  bench.write('in.json', '[]')
  expect(await bench.run('in.json')).toMatchObject({ records: 0, rows: 0 })
  expect(readFileSync(bench.output('ds.json'), 'utf8')).toBe('[]\n')
  expect(bench.dump()).toEqual([])
  await expect(bench.run('in.json', { outputFile: 'x', maxRecords: -1 })).rejects.toThrow(
    'max-records must be a whole number above 0, got -1',
  )
  await expect(bench.run('missing.json', { outputFile: 'x' })).rejects.toThrow(/^failed to read file: ENOENT/)
})

test('a table name with quotes, dots and spaces', async () => {
  bench.write('in.json', JSON.stringify(manyConversations(2)))
  await bench.run('in.json', { table: 'a.b c"d' })
  using dataset = await openDataset({ path: bench.output('ds.sqlite3'), table: 'a.b c"d' })
  expect(dataset.size).toBe(4)
  expect(dataset.kind).toBe('file')
})
