import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { DatasetError, messageOf } from '../errors.ts'
import { conversationKeys } from './conversation.ts'

/** Decompressors that hyparquet does not bring along; Snappy it does. */
const compressors = {
  GZIP: (input: Uint8Array) => gunzipSync(input),
  ZSTD: (input: Uint8Array) => zstdDecompressSync(input),
  BROTLI: (input: Uint8Array) => brotliDecompressSync(input),
}

/** Records of a Parquet file. */
export interface ParquetRecords {
  /** Number of rows in the file. */
  total: number
  /** Rows from `skip` on, each with its conversation columns only. One row group is in memory at a time. */
  rows(skip: number): AsyncGenerator<Record<string, unknown>>
}

/**
 * Opens a Parquet file as the HuggingFace hub has them. The reader is loaded at the first call.
 *
 * @throws DatasetError `bad-input`: not a Parquet file, or one without conversations
 */
export async function openParquet(path: string): Promise<ParquetRecords> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet')
  try {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const names = parquetSchema(metadata).children.map(({ element }) => element.name)
    const columns = names.filter(name => conversationKeys.includes(name))
    if (columns.length === 0)
      throw new DatasetError(
        'bad-input',
        `unmarshal: ${path} has none of the columns ${conversationKeys.join(', ')}; it has: ${names.join(', ')}`,
      )
    return {
      total: Number(metadata.num_rows),
      async *rows(skip) {
        let rowStart = 0
        for (const group of metadata.row_groups) {
          const rowEnd = rowStart + Number(group.num_rows)
          if (rowEnd > skip) {
            const from = Math.max(rowStart, skip)
            try {
              yield* await parquetReadObjects({ file, metadata, columns, rowStart: from, rowEnd, compressors })
            } catch (error) {
              throw unreadable(path, error, `rows ${from} to ${rowEnd - 1}: `)
            }
          }
          rowStart = rowEnd
        }
      },
    }
  } catch (error) {
    throw error instanceof DatasetError ? error : unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown, where = ''): DatasetError {
  return new DatasetError('bad-input', `unmarshal: ${path}: ${where}${messageOf(error)}`, error)
}
