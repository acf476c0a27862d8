/** Bodies up to this length, in characters, may have any form: none costs much. */
const harmless = 65_536
/** Arrays and objects inside each other: V8 takes more than a second for a million. */
const deepest = 10_000
/** Arrays and objects: each takes fifty times the memory of its two characters. */
const mostContainers = 2 ** 18

/**
 * Parses a request's body.
 * @param unparsable makes the error
 * @throws what `unparsable` makes, for a text that is no JSON, or costs far more to be parsed than to be sent
 */
export function parseJson(text: string, unparsable: (detail: string) => Error): unknown {
  if (text.length > harmless) checkForm(text, unparsable)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unparsable(text === '' ? 'the body is empty' : (error as Error).message)
  }
}

function checkForm(text: string, unparsable: (detail: string) => Error): void {
  let depth = 0
  let containers = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(text, at)
        break
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > deepest) throw unparsable(`the body is nested deeper than ${deepest} levels`)
        if (++containers > mostContainers) {
          throw unparsable(`the body has more than ${mostContainers} arrays and objects`)
        }
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
    }
  }
}

/** Where the string that begins at `start` ends; the end of the text when it does not. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
    if (slashes % 2 === 0) return at
  }
  return text.length
}
