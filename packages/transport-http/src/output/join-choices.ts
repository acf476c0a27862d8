import { RequestError } from '@vllm-sim/core-engine'
import type { Choice } from '@vllm-sim/serving'

/** Characters of an answer that is sent whole. Far above what a context and a sensible `n` come to. */
const longest = 2 ** 27

/**
 * The choices of an answer, joined by commas.
 * @throws RequestError 400 when they are too long for one piece of text: `n` multiplies what a prompt or logprobs take
 */
export function joinChoices(choices: readonly Choice[], encode: (choice: Choice) => string): string {
  const list: string[] = []
  let length = 0
  for (const choice of choices) {
    const text = encode(choice)
    length += text.length
    if (length > longest) throw tooLong()
    list.push(text)
  }
  return list.join()
}

/** The error for an answer that does not fit into one piece of text. */
function tooLong(): RequestError {
  return new RequestError(400, 'The answer is too long to be sent whole; ask for fewer choices or for a stream', 'n')
}
