/** How much of a client's own value an error message repeats, characters. */
const shown = 120
/** The same for the name of a model, characters. */
export const longestName = 256

/** A value as it is repeated in an error message: its JSON, cut when it is long. */
export function brief(value: unknown): string {
  return cut(JSON.stringify(value) ?? 'undefined')
}

/** A client's text as it is repeated in an error message: cut when it is longer than so many characters. */
export function cut(text: string, most = shown): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
