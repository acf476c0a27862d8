import type { Tokenizer } from '@vllm-sim/tokenizer'
import type { Connection } from '../sqlite/driver.ts'
import type { Origin } from './card.ts'

/** How conversations are made into a dataset. */
export interface ImportOptions {
  /** The conversation files, in order: JSON, JSONL (both may be compressed with gzip or Zstandard) or Parquet. */
  sources: readonly string[]
  /** Where the files come from, for the card. Default: the local files. */
  origin?: Origin
  /** Name of the model, for the card. */
  model: string
  /** Makes the ids; the server must use the same. */
  tokenizer: Pick<Tokenizer, 'encode' | 'encodeChat' | 'kind'>
  chatTemplateKwargs?: Readonly<Record<string, unknown>> | undefined
  /** Directory of the results; made if missing. Default: the current one. */
  outputPath?: string
  /** Base name of the results. Default `inference-sim-dataset`. */
  outputFile?: string
  /** Default `llmd`. */
  table?: string
  /** How many source records are used; the rest is left. Default 10,000. */
  maxRecords?: number
  /** Also writes the rows as JSON. Default true. */
  json?: boolean
  /** Replaces results that are there already. Default false. */
  overwrite?: boolean
  /** Stops after the record under way. What is done is kept. */
  signal?: AbortSignal | undefined
  onProgress?: (progress: ImportProgress) => void
  /** What a person should know: that an import is continued, that a record was left out. */
  log?: (message: string) => void
  /** How often the work is saved, in source records. Default 1000. */
  saveEvery?: number
  /** Opens the database that is written; for tests. */
  connect?: (path: string) => Promise<Connection>
}

/** Where an import stands. */
export interface ImportProgress {
  /** Source records that are done. */
  records: number
  rows: number
  /** How much is done, from 0 to 1: of the files or of `maxRecords`, whichever ends first. */
  fraction: number
}
