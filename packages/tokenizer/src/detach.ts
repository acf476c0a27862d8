/**
 * A copy of a string that shares no memory with another. V8 makes a slice of 13 or more characters a view that keeps the whole
 * text alive; going through bytes copies it. Only for well-formed strings.
 */
export function detach(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf8').toString('utf8')
}
