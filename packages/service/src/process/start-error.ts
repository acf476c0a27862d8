/**
 * The server cannot start, for a reason that its user can mend. The message says what is wrong and what to do; the
 * process ends with status 1.
 */
export class StartError extends Error {
  override readonly name: string = 'StartError'
}
