/** What went wrong, for callers that decide by cause and not by text. */
export type TokenizerErrorCode =
  /** The request's own fault: a chat template refused it, or the render service answered 4xx. */
  | 'invalid_request'
  /** Tokenizer files are missing, unreadable or of an unsupported kind. */
  | 'files'
  /** The hub refused the token, or none was given. */
  | 'unauthorized'
  /** The repository, revision or a needed file does not exist. */
  | 'not_found'
  /** The other side cannot be reached or did not answer in time. */
  | 'network'
  /** Everything else. */
  | 'internal'

/** The one error type of this package. `message` is meant for the user. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError'
  readonly code: TokenizerErrorCode
  /** HTTP status that a server should answer with: 400 for the client's fault, else 500 or 503. */
  readonly status: number

  constructor(message: string, code: TokenizerErrorCode, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.status = code === 'invalid_request' ? 400 : code === 'network' ? 503 : 500
  }
}
