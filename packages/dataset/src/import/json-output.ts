import { type FileHandle, open } from 'node:fs/promises'
import { escapeHtml } from '../answers/stored.ts'
import type { OutputRow } from './convert.ts'

/** How much text is gathered before it is written, in characters. */
const flushAt = 2 ** 18

/**
 * Writes the JSON that lies beside a database for people to read: an array, two spaces of indentation, `<`, `>` and `&` as
 * escapes. It grows with each row and can be continued at a position that `flush` has returned.
 */
export class JsonOutput {
  readonly #file: FileHandle
  #position: number
  #rows: number
  #pending = ''

  private constructor(file: FileHandle, position: number, rows: number) {
    this.#file = file
    this.#position = position
    this.#rows = rows
  }

  /**
   * Opens the file, new or to be continued.
   *
   * @param position where to go on, in bytes; what is behind it is cut off. 0 begins anew
   * @param rows number of rows before that position
   * @returns undefined if the file is shorter than `position`
   */
  static async open(path: string, position: number, rows: number): Promise<JsonOutput | undefined> {
    const file = await open(path, position > 0 ? 'r+' : 'w')
    if (position > 0) {
      if ((await file.stat()).size < position) {
        await file.close()
        return undefined
      }
      await file.truncate(position)
    }
    return new JsonOutput(file, position, rows)
  }

  /** Appends a row. */
  async add(row: OutputRow): Promise<void> {
    this.#pending += `${this.#rows++ === 0 ? '[' : ','}\n${element(row)}`
    if (this.#pending.length > flushAt) await this.flush()
  }

  /** Writes what is pending; returns the size of the file in bytes. */
  async flush(): Promise<number> {
    let rest = Buffer.from(this.#pending)
    this.#pending = ''
    while (rest.length > 0) {
      const { bytesWritten } = await this.#file.write(rest, 0, rest.length, this.#position)
      this.#position += bytesWritten
      rest = rest.subarray(bytesWritten)
    }
    return this.#position
  }

  /** Ends the array and closes the file. */
  async finish(): Promise<void> {
    this.#pending += this.#rows === 0 ? '[]\n' : '\n]\n'
    await this.flush()
    await this.#file.sync()
    await this.close()
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

function element(row: OutputRow): string {
  const json = JSON.stringify(
    {
      prompt_hash: row.promptHash.toString('base64'),
      n_gen_tokens: row.ids.length,
      gen_tokens: { Tokens: row.ids, Strings: row.pieces.map(piece => piece.toWellFormed()) },
      input_text: row.inputText,
      generated: row.generated,
    },
    undefined,
    2,
  )
  return escapeHtml(json).replace(/^/gm, '  ')
}
