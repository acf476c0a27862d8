import type { TokenizerJson } from './files.ts'
import { encodePlain, type LibraryTokenizer } from './library.ts'

/** Characters that a worker encodes at a time, at least: some 20 ms. */
const size = 16_384

/**
 * Cuts a text into parts whose ids, one after the other, are the text's: each begins with the one space before a word. Where
 * there is no such place in a long while, a part ends inside a word, whose tokens are then not quite the model's; without
 * that a word of megabytes would keep a thread busy for half a minute.
 */
export function sliceText(text: string): string[] {
  if (text.length <= 2 * size) return [text]
  const slices: string[] = []
  let start = 0
  while (text.length - start > 2 * size) {
    const end = placeToCut(text, start + size, start + 2 * size)
    slices.push(text.slice(start, end))
    start = end
  }
  slices.push(text.slice(start))
  return slices
}

function placeToCut(text: string, from: number, to: number): number {
  for (let at = from; at < to; at++)
    if (text.charCodeAt(at) === 32 && isLetter(text.charCodeAt(at - 1)) && isLetter(text.charCodeAt(at + 1))) return at
  const isPair = (text.charCodeAt(to) & 0xfc00) === 0xdc00
  return isPair ? to - 1 : to
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90)
}

/** True when the ids of a text are those of its words, so that `sliceText` may cut it. */
export function isSliceable(tokenizerJson: TokenizerJson, library: LibraryTokenizer): boolean {
  const description = JSON.stringify(tokenizerJson.pre_tokenizer ?? null)
  if (!description.includes('"Regex"') && !description.includes('"use_regex":true')) return false
  const words = ['The', ' end', ' of', ' the', ' day', ' and', ' one', ' of', ' a', ' kind']
  const apart = words.flatMap(word => encodePlain(library, word))
  return encodePlain(library, words.join('')).join() === apart.join()
}
