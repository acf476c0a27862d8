/** What went wrong with a dataset, for programs; the message is for people. */
export type DatasetErrorCode =
  | 'no-path'
  | 'missing-file'
  | 'not-a-database'
  | 'truncated'
  | 'corrupt'
  | 'locked'
  | 'missing-table'
  | 'missing-column'
  | 'wrong-type'
  | 'unsupported-table'
  | 'newer-format'
  | 'empty'
  | 'copy'
  | 'query'
  | 'bad-row'
  | 'closed'
  | 'network'
  | 'http-status'
  | 'checksum'
  | 'cancelled'
  | 'disk-full'
  | 'io'
  | 'output-exists'
  | 'bad-input'

/**
 * The one error that this package throws for what a user can meet. The message says what was wrong, where, and where it is
 * not obvious what to do; `cause` is the error underneath.
 */
export class DatasetError extends Error {
  override readonly name = 'DatasetError'
  readonly code: DatasetErrorCode

  constructor(code: DatasetErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The system's or SQLite's code of an error (`ENOSPC`, `SQLITE_CORRUPT`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** True when an error of the file system or of SQLite means that the disk, or the user's share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOSPC' || code === 'EDQUOT' || code?.startsWith('SQLITE_FULL') === true
}

/** What kind of trouble SQLite reports, `other` if it is none of those that have a code of their own. */
export function sqliteErrorCode(error: unknown, other: DatasetErrorCode): DatasetErrorCode {
  const code = codeOf(error) ?? ''
  if (code.startsWith('SQLITE_CORRUPT')) return 'corrupt'
  if (code.startsWith('SQLITE_NOTADB')) return 'not-a-database'
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'locked'
  return isDiskFull(error) ? 'disk-full' : other
}
