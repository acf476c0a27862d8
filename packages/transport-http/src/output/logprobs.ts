import type { Token } from '@vllm-sim/core-engine'
import { candidates, type TokenName } from '@vllm-sim/serving'

/**
 * One element of `logprobs.content`: chat, and with other surroundings Responses.
 * @param count candidates in `top_logprobs`, the chosen one included; 0 gives an empty list
 */
export function contentEntry(token: Token, position: number, count: number, name: TokenName): string {
  const list = candidates(token, position, Math.max(1, count)).map(one => {
    const text = name(one)
    return `"token":${JSON.stringify(text)},"logprob":${one.logprob},"bytes":[${Buffer.from(text).join()}]`
  })
  const top = count === 0 ? '' : `{${list.join('},{')}}`
  return `{${list[0]},"top_logprobs":[${top}]}`
}

/** `prompt_logprobs`: per token its candidates by id; null for the first, which nothing foretells. */
export function promptLogprobs(tokens: readonly Token[], count: number): string {
  const list = tokens.map((token, position) => {
    if (position === 0) return 'null'
    const members = candidates(token, position, Math.max(1, count)).map(
      ({ id, text, logprob }, at) =>
        `"${id}":{"logprob":${logprob},"rank":${at + 1},"decoded_token":${JSON.stringify(text)}}`,
    )
    return `{${members.join()}}`
  })
  return `[${list.join()}]`
}
