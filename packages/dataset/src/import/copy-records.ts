import { DatasetError, isDiskFull, messageOf } from '../errors.ts'
import { readConversation } from './conversation.ts'
import { convert } from './convert.ts'
import type { Checkpoint, DatabaseOutput } from './database-output.ts'
import type { JsonOutput } from './json-output.ts'
import type { ImportOptions } from './options.ts'
import { readRecords } from './records.ts'

/** What an import writes to. */
export interface Outputs {
  database: DatabaseOutput
  json: JsonOutput | undefined
  /** Updated as the work goes on. */
  checkpoint: Checkpoint
}

/** How many problems of a kind are told one by one. */
const shownProblems = 10
/** So many failures of the tokenizer in a row are not the fault of the texts: the render service is gone, say. */
const failuresInARow = 20

/** Reads the sources from where the checkpoint says and writes the rows, saving every now and then. */
export async function copyRecords(
  options: ImportOptions,
  maxRecords: number,
  { database, json, checkpoint }: Outputs,
  fingerprint: string,
): Promise<void> {
  const saveEvery = options.saveEvery ?? 1000
  const save = async (): Promise<void> => {
    checkpoint.jsonBytes = await attempt('failed to write the JSON file', async () => (await json?.flush()) ?? 0)
    database.save(fingerprint, checkpoint)
  }
  let failures = 0
  const onProblem = (problem: string, detail: string): void => {
    const count = (checkpoint.problems[problem] ?? 0) + 1
    checkpoint.problems[problem] = count
    if (count <= shownProblems) options.log?.(`record ${checkpoint.records + 1} is left out: ${problem}: ${detail}`)
    if (count === shownProblems) options.log?.('further records with this problem are only counted')
    if (problem === 'tokenizer' && ++failures === failuresInARow)
      throw new DatasetError(
        'io',
        `failed to encode conversation output ${failuresInARow} times in a row: ${detail}. The same command goes on where the work was last saved`,
      )
  }
  let unsaved = 0
  let withinRecord = false
  try {
    for await (const { record, fraction } of allRecords(options.sources, checkpoint.records, maxRecords)) {
      if (options.signal?.aborted)
        throw new DatasetError('cancelled', `operation cancelled: ${messageOf(options.signal.reason)}`)
      withinRecord = true
      const conversation = readConversation(record)
      if ('problem' in conversation) onProblem('not-a-conversation', conversation.problem)
      else
        for await (const row of convert(conversation.turns, { ...options, onProblem })) {
          failures = 0
          database.add(row)
          await attempt('failed to write the JSON file', async () => json?.add(row))
          checkpoint.rows += 1
          checkpoint.tokens += row.ids.length
        }
      checkpoint.records += 1
      withinRecord = false
      if (++unsaved >= saveEvery) {
        unsaved = 0
        await save()
      }
      options.onProgress?.({ records: checkpoint.records, rows: checkpoint.rows, fraction })
    }
  } catch (error) {
    // Whole records that were done before a cancellation or a mistake in the source are worth keeping.
    if (!withinRecord) await save().catch(() => {})
    throw error
  }
  await save()
}

/** The records of all files, from the one after number `skip` to number `maxRecords`, and how much is done with each. */
async function* allRecords(
  sources: readonly string[],
  skip: number,
  maxRecords: number,
): AsyncGenerator<{ record: unknown; fraction: number }> {
  let number = skip
  if (number >= maxRecords) return
  const skipping = { left: skip }
  for (const [index, source] of sources.entries()) {
    let read = 0
    const onProgress = ({ done, total }: { done: number; total: number }): void => {
      read = total === 0 ? 1 : done / total
    }
    for await (const record of readRecords(source, skipping, onProgress)) {
      number += 1
      yield { record, fraction: Math.min(1, Math.max((index + read) / sources.length, number / maxRecords)) }
      if (number >= maxRecords) return
    }
  }
}

/** Runs an action; an error of the system becomes a `DatasetError` that says what was tried. */
export async function attempt<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof DatasetError) throw error
    throw new DatasetError(isDiskFull(error) ? 'disk-full' : 'io', `${what}: ${messageOf(error)}`, error)
  }
}
