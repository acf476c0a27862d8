import { TokenizerError } from '../errors.ts'

/**
 * Makes every text inside of a template that is longer an error of it, in this process, before the text takes memory: joining
 * two of any length is free, and only who reads the whole pays for it.
 * @param most characters
 */
export async function keepTextsShort(most: number): Promise<void> {
  limitReplacing(most)
  const { Environment } = await import('@huggingface/jinja')
  // The library does not export its class of texts, which is made of whatever `super` finds.
  const Text = new Environment().set('text', '').constructor
  const Value = Object.getPrototypeOf(Text)
  Object.setPrototypeOf(
    Text,
    class extends Value {
      constructor(text: string) {
        check(text?.length ?? 0, most)
        super(text)
      }
    },
  )
}

/** The library's `replace` gives a function, and the whole result is made at once. */
function limitReplacing(most: number): void {
  const { replaceAll } = String.prototype
  String.prototype.replaceAll = function (this: string, pattern: never, by: unknown): string {
    if (typeof by !== 'function') return replaceAll.call(this, pattern, by as never)
    let length = 0
    return replaceAll.call(this, pattern, (...match: unknown[]) => {
      const text: string = by(...match)
      length += text.length
      check(length, most)
      return text
    })
  }
}

function check(length: number, most: number): void {
  if (length <= most) return
  const problem = `the chat template makes a text of ${length} characters; at most ${most} are allowed`
  throw new TokenizerError(problem, 'invalid_request')
}
