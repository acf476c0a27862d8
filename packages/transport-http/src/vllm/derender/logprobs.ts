import type { Tokenizer } from '@vllm-sim/tokenizer'
import type { TextBudget } from './text-budget.ts'
import type { WireCandidate, WireLogprobs } from './wire.ts'

/**
 * The text that a candidate's name stands for. `token_id:<id>` is decoded; an id without a text keeps its name, so that
 * candidates stay different.
 */
function textOf(name: string, tokenizer: Tokenizer, budget: TextBudget): string {
  const id = Number(/^token_id:(\d{1,10})$/.exec(name)?.[1] ?? Number.NaN)
  if (!(id <= 0xffff_ffff) || tokenizer.tokenString(id) === undefined) return name
  const detokenizer = tokenizer.detokenizer()
  return budget.take(detokenizer.push(id) + detokenizer.flush())
}

interface NamedCandidate {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
}

function named({ token, logprob }: WireCandidate, tokenizer: Tokenizer, budget: TextBudget): NamedCandidate {
  const text = textOf(token, tokenizer, budget)
  return { token: text, logprob, bytes: [...Buffer.from(text)] }
}

/** Logprobs of a generate answer in the form of a chat completion; null when there are none. */
export function chatLogprobs(
  logprobs: WireLogprobs | null | undefined,
  tokenizer: Tokenizer,
  budget: TextBudget,
): object | null {
  if (!logprobs?.content) return null
  const content = logprobs.content.map(entry => ({
    ...named(entry, tokenizer, budget),
    top_logprobs: (entry.top_logprobs ?? []).map(top => named(top, tokenizer, budget)),
  }))
  return { content, refusal: null }
}

/** The same in the form of a text completion. Offsets count UTF-8 bytes, as the reference's do. */
export function completionLogprobs(
  logprobs: WireLogprobs | null | undefined,
  tokenizer: Tokenizer,
  budget: TextBudget,
): object | null {
  if (!logprobs?.content) return null
  const tokens: string[] = []
  const offsets: number[] = []
  let offset = 0
  for (const { token } of logprobs.content) {
    const text = textOf(token, tokenizer, budget)
    tokens.push(text)
    offsets.push(offset)
    offset += Buffer.byteLength(text)
  }
  return {
    text_offset: offsets,
    token_logprobs: logprobs.content.map(entry => entry.logprob),
    tokens,
    top_logprobs: logprobs.content.map(({ top_logprobs: tops }) =>
      tops?.length ? Object.fromEntries(tops.map(top => [textOf(top.token, tokenizer, budget), top.logprob])) : null,
    ),
  }
}
