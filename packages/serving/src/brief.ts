/** How much of a client's own value an error message repeats, characters. */
const shown = 120

/** A value as it is repeated in an error message: its JSON, cut when it is long. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > shown ? `${text.slice(0, shown)}…` : text
}
