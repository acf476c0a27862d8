import { createHash } from 'node:crypto'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { sha256OfFile, syncDirectory } from '@vllm-sim/download'
import { decodeStored } from '../answers/stored.ts'
import { codeOf, DatasetError, isDiskFull, messageOf } from '../errors.ts'
import { connect } from '../sqlite/driver.ts'
import { defaultTable } from '../sqlite/schema.ts'
import { datasetCard } from './card.ts'
import { attempt, copyRecords, type Outputs } from './copy-records.ts'
import { DatabaseOutput } from './database-output.ts'
import { JsonOutput } from './json-output.ts'
import type { ImportOptions } from './options.ts'

/** What an import did. */
export interface ImportReport {
  /** Source records that were read, in earlier runs too. */
  records: number
  rows: number
  /** Tokens of all answers. */
  tokens: number
  /**
   * How many records were left out, or not used to their end, by reason: `not-a-conversation`, `invalid-role`, `tool-calls`,
   * `refusal`, `empty-answer`, `tokenizer`.
   */
  problems: Record<string, number>
  /** Source records that an earlier run had done. */
  resumedAt: number
  /** The results. */
  files: string[]
}

/** Default values of `ImportOptions`. */
export const importDefaults = { outputFile: 'inference-sim-dataset', maxRecords: 10_000 } as const

/**
 * Makes a dataset: `<outputFile>.sqlite3`, `.json` and `.md`. Memory does not grow with the size of the files. The results have
 * temporary names until all are complete; after an interruption or a failure the same call goes on where the last one stopped,
 * provided that sources and options are the same.
 *
 * @throws DatasetError that says what failed
 */
export async function importConversations(options: ImportOptions): Promise<ImportReport> {
  const { outputPath = '.', outputFile = importDefaults.outputFile, maxRecords = importDefaults.maxRecords } = options
  if (!(Number.isSafeInteger(maxRecords) && maxRecords > 0))
    throw new DatasetError('bad-input', `max-records must be a whole number above 0, got ${maxRecords}`)
  const base = join(outputPath, outputFile)
  const json = options.json ?? true
  checkSources(options.sources, base)
  if (!options.overwrite) await checkAbsent([`${base}.sqlite3`, `${base}.json`, `${base}.md`])
  await attempt('failed to create the output directory', () => mkdir(outputPath, { recursive: true }))
  const digests: string[] = []
  for (const source of options.sources)
    digests.push(await attempt('failed to read file', () => sha256OfFile(source, options.signal)))
  const fingerprint = fingerprintOf(options, digests)

  const files = [`${base}.sqlite3`, ...(json ? [`${base}.json`] : []), `${base}.md`]
  const outputs = await openOutputs(options, base, fingerprint)
  const { checkpoint, database } = outputs
  const resumedAt = checkpoint.records
  if (resumedAt > 0) options.log?.(`continuing after record ${resumedAt}`)
  try {
    await copyRecords(options, maxRecords, outputs, fingerprint)
    if (checkpoint.rows === 0 && checkpoint.records > 0)
      throw new DatasetError(
        'bad-input',
        `none of the ${checkpoint.records} records could be used: ${JSON.stringify(checkpoint.problems)}`,
      )
    const first = database.first()
    const card = datasetCard({
      name: outputFile,
      model: options.model,
      tokenizer: options.tokenizer.kind,
      chatTemplateKwargs: options.chatTemplateKwargs,
      origin: options.origin ?? { kind: 'local', files: options.sources.map(source => basename(source)) },
      sourceSha256: digests,
      table: options.table ?? defaultTable,
      json,
      sourceRecords: checkpoint.records,
      rows: checkpoint.rows,
      tokens: checkpoint.tokens,
      example: first && { hash: first.hash, ...decodeStored(first.tokens) },
    })
    await attempt('failed to write the card', () => writeFile(part(`${base}.md`), card))
    await attempt('failed to write the JSON file', async () => outputs.json?.finish())
    database.finish()
  } catch (error) {
    database.close()
    await outputs.json?.close().catch(() => {})
    throw error
  }
  await attempt('failed to rename', async () => {
    // The database last: whoever waits for it finds the other files, too.
    for (const file of files.toReversed()) await rename(part(file), file)
    if (options.overwrite && !json) await rm(`${base}.json`, { force: true })
  })
  await syncDirectory(outputPath)
  const { records, rows, tokens, problems } = checkpoint
  return { records, rows, tokens, problems, resumedAt, files }
}

/** Opens what an earlier run left, if it can be continued, else new files. */
async function openOutputs(options: ImportOptions, base: string, fingerprint: string): Promise<Outputs> {
  const path = part(`${base}.sqlite3`)
  const openDatabase = async (): Promise<DatabaseOutput> => {
    const connection = await (options.connect ?? connect)(path)
    try {
      return await DatabaseOutput.open(connection, options.table ?? defaultTable)
    } catch (error) {
      connection.close()
      throw error
    }
  }
  let database: DatabaseOutput | undefined
  try {
    database = await openDatabase()
    const checkpoint = database.checkpoint(fingerprint)
    if (checkpoint) {
      if (!(options.json ?? true)) return { database, json: undefined, checkpoint }
      const json = await JsonOutput.open(part(`${base}.json`), checkpoint.jsonBytes, checkpoint.rows)
      if (json) return { database, json, checkpoint }
    }
  } catch (error) {
    // What an earlier run left is damaged: it is made anew below. A disk that is full would still be full.
    if (isDiskFull(error) || (error instanceof DatasetError && error.code === 'disk-full')) {
      database?.close()
      throw error
    }
  }
  database?.close()
  await removeParts(base)
  const checkpoint = { records: 0, rows: 0, tokens: 0, jsonBytes: 0, problems: {} }
  return attempt('failed to create the output files', async () => ({
    database: await openDatabase(),
    json: (options.json ?? true) ? await JsonOutput.open(part(`${base}.json`), 0, 0) : undefined,
    checkpoint,
  }))
}

/** A source among the results would be replaced by them. */
function checkSources(sources: readonly string[], base: string): void {
  const results = ['.sqlite3', '.json', '.md'].map(suffix => resolve(base + suffix))
  const clash = sources.find(source => results.includes(resolve(source)))
  if (clash !== undefined)
    throw new DatasetError(
      'output-exists',
      `output file already exists: ${clash}, and it is a source: give another output-file`,
    )
}

async function checkAbsent(paths: string[]): Promise<void> {
  for (const path of paths) {
    try {
      await stat(path)
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') continue
      throw new DatasetError('io', `error checking output file: ${messageOf(error)}`, error)
    }
    throw new DatasetError('output-exists', `output file already exists: ${path}`)
  }
}

/** Changes whenever other rows would come out. */
function fingerprintOf(options: ImportOptions, digests: string[]): string {
  const { model, tokenizer, chatTemplateKwargs = {}, table = defaultTable, maxRecords, json = true } = options
  const all = [
    2,
    model,
    tokenizer.kind,
    chatTemplateKwargs,
    table,
    maxRecords ?? importDefaults.maxRecords,
    json,
    digests,
  ]
  return createHash('sha256').update(JSON.stringify(all)).digest('hex')
}

function part(path: string): string {
  return `${path}.part`
}

async function removeParts(base: string): Promise<void> {
  for (const suffix of [
    '.sqlite3.part',
    '.sqlite3.part-wal',
    '.sqlite3.part-shm',
    '.sqlite3.part-journal',
    '.json.part',
  ])
    await rm(base + suffix, { force: true })
}
