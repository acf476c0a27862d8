import { open, stat } from 'node:fs/promises'
import { DatasetError, messageOf } from '../errors.ts'

const magic = 'SQLite format 3\0'
const headerSize = 100

/**
 * Looks at a file's size and its first 100 bytes (https://www.sqlite.org/fileformat2.html, section 1.3), before SQLite does:
 * SQLite reports a file that was cut off only when it meets a page that is missing.
 *
 * @throws DatasetError `missing-file`, `not-a-database`, `truncated`
 */
export async function checkFile(path: string): Promise<void> {
  const header = Buffer.alloc(headerSize)
  let size: number
  let read: number
  try {
    const info = await stat(path)
    if (info.isDirectory()) throw notADatabase(path, 'it is a directory')
    size = info.size
    const file = await open(path, 'r')
    try {
      read = (await file.read(header, 0, headerSize, 0)).bytesRead
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof DatasetError) throw error
    throw new DatasetError('missing-file', `database file does not exist: ${messageOf(error)}`, error)
  }
  if (size === 0) throw notADatabase(path, 'it is empty')
  if (read < headerSize || header.toString('latin1', 0, magic.length) !== magic)
    throw notADatabase(path, `it begins with ${JSON.stringify(beginning(header.subarray(0, read)))}`)
  const expected = declaredSize(header)
  if (expected !== undefined && size < expected)
    throw new DatasetError(
      'truncated',
      `failed to open database: ${path} is truncated: its header promises ${expected} bytes, it has ${size}. Delete it to have it downloaded again, or copy it anew`,
    )
}

/** The size in bytes that the header promises; undefined if a very old SQLite wrote it, which kept no size there. */
function declaredSize(header: Buffer): number | undefined {
  const changeCounter = header.readUInt32BE(24)
  const sizeIsValidFor = header.readUInt32BE(92)
  const pages = header.readUInt32BE(28)
  if (pages === 0 || changeCounter !== sizeIsValidFor) return undefined
  const pageSize = header.readUInt16BE(16)
  return pages * (pageSize === 1 ? 65536 : pageSize)
}

function notADatabase(path: string, why: string): DatasetError {
  return new DatasetError(
    'not-a-database',
    `database is locked or has other active connections: ${path}: file is not a database (${why}; an SQLite file is needed)`,
  )
}

/** The first bytes as text for a message: enough to recognise an HTML page or a Git LFS pointer. */
function beginning(bytes: Buffer): string {
  return bytes.toString('latin1', 0, 40)
}
