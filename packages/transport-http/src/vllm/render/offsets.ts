import type { PromptEncoding } from '@vllm-sim/tokenizer'

/**
 * Start and end of each token in the rendered text, in characters (code points, as vLLM counts them).
 * @returns undefined when the text is not known, or the tokens do not join to it
 */
export function tokenOffsets({ pieces, text }: PromptEncoding): [start: number, end: number][] | undefined {
  if (text === undefined || pieces.join('') !== text) return undefined
  let at = 0
  return pieces.map(piece => {
    const start = at
    for (const _ of piece) at++
    return [start, at]
  })
}
