import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import Database from 'better-sqlite3'
import { type ImportReport, importConversations } from '../import/import.ts'
import type { ImportOptions } from '../import/options.ts'
import { temporaryDirectory } from './fixtures.ts'

/** The tokenizer of all these tests. */
export const tokenizer = new SimulatedTokenizer()

/** A row of a table of answers. */
export interface DumpedRow {
  id: number
  hash: string
  tokens: string
  n: number
}

/** A directory with sources, and imports of them into its folder `out`; the results are called `ds`. */
export class ImportBench implements Disposable {
  readonly #directory = temporaryDirectory()

  constructor() {
    mkdirSync(this.output(''), { recursive: true })
  }

  /** Path of a file of the directory. */
  file(name: string): string {
    return this.#directory.file(name)
  }

  /** Path of a result. */
  output(name: string): string {
    return this.file(`out/${name}`)
  }

  /** Writes a source: text, bytes, or a value as JSON. */
  write(name: string, content: unknown): void {
    const text = typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content)
    writeFileSync(this.file(name), text)
  }

  /** Imports a source. */
  run(source: string, options: Partial<ImportOptions> = {}): Promise<ImportReport> {
    return importConversations({
      sources: [this.file(source)],
      model: 'test-model',
      tokenizer,
      outputPath: this.output(''),
      outputFile: 'ds',
      ...options,
    })
  }

  /** Names of the results. */
  left(): string[] {
    return readdirSync(this.output('')).sort()
  }

  /** All rows of a result. */
  dump(name = 'ds.sqlite3'): DumpedRow[] {
    const db = new Database(this.output(name), { readonly: true })
    const query =
      'SELECT id, hex(prompt_hash) hash, CAST(gen_tokens AS TEXT) tokens, n_gen_tokens n FROM llmd ORDER BY id'
    const rows = db.prepare<[], DumpedRow>(query).all()
    db.close()
    return rows
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]()
  }
}

/** Options that interrupt an import after some records. */
export function stopAt(count: number): Partial<ImportOptions> {
  const controller = new AbortController()
  return {
    signal: controller.signal,
    onProgress: ({ records }) => {
      if (records === count) controller.abort(new Error('by the user'))
    },
  }
}
