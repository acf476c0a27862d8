/**
 * How long an answer takes in a table of a million rows, in each of the three ways to hold it, and what opening costs.
 *
 *     node packages/dataset/scripts/benchmark-lookup.ts [rows]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeStored } from '../src/answers/stored.ts'
import { type OpenOptions, openDataset } from '../src/open.ts'
import { promptHash } from '../src/prompt-hash.ts'
import { connect } from '../src/sqlite/driver.ts'
import { createIndexes, createTable } from '../src/sqlite/schema.ts'
import { seeded } from '../src/testing/fixtures.ts'

const rows = Number(process.argv[2] ?? 1_000_000)
/** So many rows are answers to one and the same prompt, like "continue" in collections of chats. */
const repeated = Math.floor(rows / 100)
const promptLength = 200

/** The prompt of a row. */
function prompt(row: number): Uint32Array {
  return Uint32Array.from({ length: promptLength }, (_, i) => (row < repeated ? 0 : row) * 31 + i)
}

async function build(path: string): Promise<void> {
  const connection = await connect(path)
  connection.pragma('journal_mode = OFF')
  connection.pragma('synchronous = OFF')
  connection.exec(createTable('llmd'))
  const bodies = Array.from({ length: 500 }, (_, length) => {
    const ids = Array.from({ length }, (_, i) => i * 97)
    return encodeStored({ ids: ids.slice(0, 40), pieces: ids.slice(0, 40).map(id => ` w${id}`) })
  })
  const insert = connection.prepare('INSERT INTO llmd (prompt_hash, gen_tokens, n_gen_tokens) VALUES (?, ?, ?)')
  connection.exec('BEGIN')
  for (let row = 0; row < rows; row++) insert.run(promptHash(prompt(row)), bodies[(row * 7) % 500], (row * 7) % 500)
  connection.exec('COMMIT')
  connection.close()
}

async function measure(name: string, options: OpenOptions): Promise<void> {
  const before = process.memoryUsage.rss()
  const start = performance.now()
  const dataset = await openDataset(options)
  const opened = performance.now() - start
  const memory = (process.memoryUsage.rss() - before) / 2 ** 20
  print(`${name} (${dataset.kind}): opened in ${opened.toFixed(0)} ms, +${memory.toFixed(0)} MB`)
  const random = seeded(1)
  for (const [what, make] of [
    ['known prompt', () => prompt(random.int(repeated, rows - 1))],
    [`prompt with ${repeated} answers`, () => prompt(0)],
    ['unknown prompt', () => prompt(random.int(rows, rows * 2))],
  ] as const) {
    const asked = Array.from({ length: 5000 }, make)
    const times = asked.map(ids => {
      const begin = performance.now()
      dataset.answer(ids, random.int(1, 500), random.int(0, 1) === 1, random)
      return (performance.now() - begin) * 1000
    })
    times.sort((a, b) => a - b)
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length
    const at = (share: number): string => times[Math.floor(times.length * share)]!.toFixed(0)
    print(`  ${what}: mean ${mean.toFixed(0)} µs, median ${at(0.5)}, p99 ${at(0.99)}`)
  }
  dataset.close()
}

const directory = mkdtempSync(join(tmpdir(), 'dataset-benchmark-'))
try {
  const path = join(directory, 'data.sqlite3')
  const start = performance.now()
  await build(path)
  const size = (statSync(path).size / 2 ** 20).toFixed(0)
  print(`${rows} rows, ${size} MB, written in ${((performance.now() - start) / 1000).toFixed(1)} s`)
  await measure("as the reference's tool makes it", { path })
  const connection = await connect(path)
  for (const statement of createIndexes('llmd')) connection.exec(statement)
  connection.close()
  await measure('as vllm-sim-dataset makes it', { path })
  await measure('with dataset-in-memory', { path, inMemory: true })
} finally {
  rmSync(directory, { recursive: true })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
