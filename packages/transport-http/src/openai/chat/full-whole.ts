import type { Token } from '@vllm-sim/core-engine'
import { type Choice, type Piece, piecesOf, textOf } from '@vllm-sim/serving'
import type { WholeEncoder } from '../../generation/endpoint.ts'
import { imagePart } from '../../output/image.ts'
import { contentEntry, promptLogprobs } from '../../output/logprobs.ts'
import { type BodyText, joined } from '../../output/whole-answer.ts'
import type { ChatFeatures, ChatPlan } from './plan.ts'
import { chatCompletion } from './whole.ts'

/** A chat completion with tool calls, reasoning, logprobs, token ids or an image that is sent whole. */
export class FullChatWhole implements WholeEncoder {
  readonly #plan: ChatPlan
  readonly #features: ChatFeatures

  constructor(plan: ChatPlan, features: ChatFeatures) {
    this.#plan = plan
    this.#features = features
  }

  encode(choices: readonly Choice[]): BodyText {
    return chatCompletion(this.#plan, choices, choice => this.#choice(choice), this.#promptMembers())
  }

  *#choice(choice: Choice): Generator<string> {
    const { index, tokens, outcome } = choice
    const pieces = piecesOf(choice)
    yield `{"index":${index},"message":${this.#message(pieces, choice)},"logprobs":`
    yield* this.#logprobs(pieces)
    const ids = this.#features.tokenIds ? `,"token_ids":[${tokens.map(token => token.id).join()}]` : ''
    yield `,"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}${ids}}`
  }

  #message(pieces: readonly Piece[], { outcome }: Choice): string {
    const { role } = this.#plan
    const { echo, image, reasoning } = this.#features
    const generated = textOf(pieces, 'text')
    const text = echo === '' ? generated : echo + (generated ?? '')
    let content = text === undefined ? 'null' : JSON.stringify(text)
    if (image && outcome.finishReason !== 'cache_threshold') {
      content = `[${text === undefined ? '' : `{"type":"text","text":${content}},`}${imagePart}]`
    }
    const thought = reasoning ? textOf(pieces, 'reasoning') : undefined
    const thoughtMembers =
      thought === undefined
        ? ''
        : `,"reasoning_content":${JSON.stringify(thought)},"reasoning":${JSON.stringify(thought)}`
    return `{"role":${role},"content":${content},"refusal":null${thoughtMembers}${toolCalls(pieces)}}`
  }

  /** Only text has logprobs, shown reasoning included; a choice that calls tools has none. */
  *#logprobs(pieces: readonly Piece[]): Generator<string> {
    const { logprobs, tokenName, reasoning } = this.#features
    if (logprobs === undefined || pieces.some(piece => piece.kind === 'tool')) {
      yield 'null'
      return
    }
    const shown: [token: Token, position: number][] = []
    let position = 0
    for (const { kind, tokens } of pieces) {
      for (const token of tokens) {
        if (kind === 'text' || reasoning) shown.push([token, position])
        position++
      }
    }
    yield '{"content":['
    yield* joined(shown, ([token, at]) => contentEntry(token, at, logprobs, tokenName))
    yield '],"refusal":null}'
  }

  #promptMembers(): string {
    const { promptLogprobs: count, tokenIds, promptText } = this.#features
    const prompt = this.#plan.request.prompts[0]!
    let members = ''
    if (count !== undefined) members += `,"prompt_logprobs":${promptLogprobs(prompt.tokens ?? [], count)}`
    if (tokenIds) members += `,"prompt_token_ids":[${Array.from(prompt.tokenIds).join()}]`
    if (promptText && prompt.text !== undefined) members += `,"prompt_text":${JSON.stringify(prompt.text)}`
    return members
  }
}

function toolCalls(pieces: readonly Piece[]): string {
  const calls: string[] = []
  for (const { tool, text } of pieces) {
    if (!tool) continue
    calls.push(
      `{"id":"${tool.id}","type":"function","index":${tool.index},` +
        `"function":{"name":${JSON.stringify(tool.name)},"arguments":${JSON.stringify(text)}}}`,
    )
  }
  return calls.length === 0 ? '' : `,"tool_calls":[${calls.join()}]`
}
