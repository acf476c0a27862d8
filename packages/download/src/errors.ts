/** What went wrong with a transfer, for programs; the message is for people. */
export type DownloadErrorCode = 'network' | 'http-status' | 'truncated' | 'checksum' | 'cancelled' | 'disk-full' | 'io'

/** The error of a request or a download; `cause` is the error underneath. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError'
  readonly code: DownloadErrorCode

  constructor(code: DownloadErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The system's code of an error (`ENOSPC`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What the file system refused. `what` begins the sentence. */
export function fileError(what: string, error: unknown): DownloadError {
  const full = ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')
  return new DownloadError(full ? 'disk-full' : 'io', `${what}: ${(error as Error).message}`, error)
}
