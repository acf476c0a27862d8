import type { Tokenizer } from '@vllm-sim/tokenizer'
import type { TextBudget } from './text-budget.ts'
import { longestState, type StreamState } from './wire.ts'

/**
 * The text that further ids add to a stream of which only the latest ids are known. These are decoded again, silently, so
 * that a character that is spread over chunks, or a space that only a first token loses, comes out right.
 * @param last nothing follows: what is held back comes too
 */
export function continueText(
  state: StreamState | null | undefined,
  ids: readonly number[],
  last: boolean,
  tokenizer: Tokenizer,
  budget: TextBudget,
): { text: string; recent: number[] } {
  const detokenizer = tokenizer.detokenizer({ skipSpecialTokens: true })
  const all = [...(state?.recent_token_ids ?? []), ...ids]
  const known = all.length - ids.length
  let text = ''
  /** Index of the last token that completed some text: what comes after it is held back. */
  let complete = 0
  for (let i = 0; i < all.length; i++) {
    const piece = budget.take(detokenizer.push(all[i]!))
    if (piece !== '') complete = i
    if (i >= known) text += piece
  }
  if (last) text += detokenizer.flush()
  return { text, recent: all.slice(Math.max(complete, all.length - longestState)) }
}
