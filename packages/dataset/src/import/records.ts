import { createReadStream, type ReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { DatasetError, messageOf } from '../errors.ts'
import { JsonSplitter } from './json-splitter.ts'
import { openParquet } from './parquet.ts'

/** How far reading has come, in units (bytes or rows) that have a meaning only as a ratio. */
export interface ReadProgress {
  done: number
  total: number
}

/** How many records are still to be passed over; counted down as that is done, so that it can go on in the next file. */
export interface Skip {
  left: number
}

/**
 * The records of a conversation file, one after the other: a JSON array, JSONL, either of them compressed with gzip or
 * Zstandard, or Parquet. What it is, is seen from its first bytes, not from its name.
 *
 * @param skip the records at the beginning that are passed over without being parsed
 * @throws DatasetError `bad-input` for what is not one of these, `io` when the file cannot be read
 */
export async function* readRecords(
  path: string,
  skip: Skip,
  onProgress: (progress: ReadProgress) => void,
): AsyncGenerator<unknown> {
  const magic = await firstBytes(path)
  if (magic.toString('latin1') === 'PAR1') {
    const { total, rows } = await openParquet(path)
    let done = Math.min(skip.left, total)
    skip.left -= done
    for await (const row of rows(done)) {
      yield row
      onProgress({ done: ++done, total })
    }
    return
  }
  const total = (await stat(path)).size
  const file = createReadStream(path)
  try {
    for await (const record of jsonRecords(decompressed(file, magic), skip)) {
      yield record
      onProgress({ done: file.bytesRead, total })
    }
  } catch (error) {
    if (error instanceof DatasetError) throw error
    throw new DatasetError('bad-input', `${messageOf(error)}\nfailed to read file ${path}`, error)
  } finally {
    file.destroy()
  }
}

/** Cuts and parses; see `JsonSplitter`. */
async function* jsonRecords(chunks: AsyncIterable<Buffer>, skip: Skip): AsyncGenerator<unknown> {
  const splitter = new JsonSplitter()
  let number = 0
  const parsed = function* (records: Buffer[]): Generator<unknown> {
    for (const record of records) {
      number += 1
      if (skip.left > 0) {
        skip.left -= 1
        continue
      }
      let value: unknown
      try {
        value = JSON.parse(record.toString())
      } catch (error) {
        throw new DatasetError('bad-input', `unmarshal: record ${number}: ${messageOf(error)}`, error)
      }
      yield value
    }
  }
  for await (const chunk of chunks) yield* parsed(splitter.push(chunk))
  yield* parsed(splitter.finish())
}

async function firstBytes(path: string): Promise<Buffer> {
  try {
    const file = await open(path)
    try {
      const bytes = Buffer.alloc(4)
      return bytes.subarray(0, (await file.read(bytes, 0, 4, 0)).bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new DatasetError('io', `${messageOf(error)}\nfailed to read file ${path}`, error)
  }
}

function decompressed(file: ReadStream, magic: Buffer): Readable {
  const decoder =
    magic.readUIntBE(0, Math.min(2, magic.length)) === 0x1f8b
      ? createGunzip()
      : magic.toString('hex') === '28b52ffd'
        ? createZstdDecompress()
        : undefined
  // The callback's error is also the decoder's own, which the reader of the decoder gets.
  return decoder ? pipeline(file, decoder, () => {}) : file
}
