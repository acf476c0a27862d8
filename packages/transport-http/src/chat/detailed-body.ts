import type { BodyEncoder, Call, Choice } from '../generation/endpoint.ts'
import { imagePart } from '../generation/images.ts'
import { joinChoices } from '../generation/join-choices.ts'
import { contentEntry, promptLogprobs } from '../generation/logprobs.ts'
import { type Piece, piecesOf, textOf } from '../generation/parts.ts'
import { type ChatFeatures, chatFeatures } from './answer.ts'
import { chatCompletion } from './envelope.ts'
import type { ChatBody } from './request.ts'

/** The body of a chat completion with tool calls, reasoning, logprobs, token ids or an image. */
export class DetailedChatBodyEncoder implements BodyEncoder {
  readonly wantsTokens: boolean
  readonly #call: Call<ChatBody>
  readonly #features: ChatFeatures

  constructor(call: Call<ChatBody>) {
    this.#call = call
    this.#features = chatFeatures(call)
    this.wantsTokens = this.#features.logprobs !== undefined || this.#features.tokenIds
  }

  encode(choices: readonly Choice[]): string {
    const list = joinChoices(choices, choice => this.#choice(choice))
    return chatCompletion(this.#call, choices, list, this.#promptMembers())
  }

  #choice(choice: Choice): string {
    const { index, tokens, outcome } = choice
    const pieces = piecesOf(choice)
    const ids = this.#features.tokenIds ? `,"token_ids":[${tokens.map(token => token.id).join()}]` : ''
    return (
      `{"index":${index},"message":${this.#message(pieces, choice)},"logprobs":${this.#logprobs(pieces)},` +
      `"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}${ids}}`
    )
  }

  #message(pieces: readonly Piece[], { outcome }: Choice): string {
    const { role, echo, image, reasoning } = this.#features
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
  #logprobs(pieces: readonly Piece[]): string {
    const { logprobs, tokenName, reasoning } = this.#features
    if (logprobs === undefined || pieces.some(piece => piece.kind === 'tool')) return 'null'
    const entries: string[] = []
    let position = 0
    for (const { kind, tokens } of pieces) {
      for (const token of tokens) {
        if (kind === 'text' || reasoning) entries.push(contentEntry(token, position, logprobs, tokenName))
        position++
      }
    }
    return `{"content":[${entries.join()}],"refusal":null}`
  }

  #promptMembers(): string {
    const { promptLogprobs: count, tokenIds, promptText } = this.#features
    const prompt = this.#call.request.prompts[0]!
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
