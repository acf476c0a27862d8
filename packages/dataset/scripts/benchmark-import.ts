/**
 * How fast conversations are imported, and that memory does not grow: it is printed at every tenth of the way.
 *
 *     node packages/dataset/scripts/benchmark-import.ts [records]
 */
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { importConversations } from '../src/import/import.ts'

const records = Number(process.argv[2] ?? 100_000)
const words = 'the model answers a question about latency with tokens from its cache and says why'.split(' ')

/** Some text that is different for each `seed`. */
function text(seed: number, length: number): string {
  return Array.from({ length }, (_, i) => words[(seed * 7 + i * i) % words.length]).join(' ') + seed
}

async function writeSource(path: string): Promise<void> {
  const file = createWriteStream(path)
  for (let i = 0; i < records; i++) {
    const conversations = [
      { from: 'human', value: text(i, 8) },
      { from: 'gpt', value: text(i, 20) },
    ]
    if (!file.write(`${i === 0 ? '[' : ',\n'}${JSON.stringify({ id: `${i}`, conversations })}`))
      await once(file, 'drain')
  }
  file.end(']')
  await once(file, 'close')
}

const directory = mkdtempSync(join(tmpdir(), 'dataset-benchmark-'))
try {
  const source = join(directory, 'source.json')
  await writeSource(source)
  print(`${records} records, one JSON array of ${(statSync(source).size / 2 ** 20).toFixed(0)} MB`)
  const start = performance.now()
  let step = 0
  const report = await importConversations({
    sources: [source],
    outputPath: directory,
    model: 'benchmark',
    tokenizer: new SimulatedTokenizer(),
    maxRecords: records,
    json: false,
    onProgress: ({ fraction, rows }) => {
      if (fraction * 10 < step) return
      const { rss, heapUsed } = process.memoryUsage()
      const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
      print(`  ${step * 10} %: ${rows} rows, resident ${megabytes(rss)} MB, heap ${megabytes(heapUsed)} MB`)
      step = Math.floor(fraction * 10) + 1
    },
  })
  const seconds = (performance.now() - start) / 1000
  const size = (statSync(report.files[0]!).size / 2 ** 20).toFixed(0)
  print(
    `${report.rows} rows, ${size} MB in ${seconds.toFixed(1)} s: ${(report.rows / seconds).toFixed(0)} rows/s, indexes included`,
  )
} finally {
  rmSync(directory, { recursive: true })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
