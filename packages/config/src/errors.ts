/**
 * The configuration cannot be used. `message` is the contractual text; `hint`, when there is one, says what to do
 * about it and belongs on a line of its own.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** `text` in double quotes with escapes, as Go's `%q` and `strconv` print it. */
export function quote(text: string): string {
  return JSON.stringify(text)
}

/** The message of anything that was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A value cannot be read, and the message says all there is to say: it is shown without the option and the word. */
export class CompleteError extends Error {}
