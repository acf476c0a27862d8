import { type Choice, piecesOf } from '@vllm-sim/serving'
import type { WholeEncoder } from '../generation/endpoint.ts'
import { handOverMember } from '../output/kv-transfer.ts'
import { messageJson, signatureOf, stopMembers, textBlock, thinkingBlock, toolBlock } from './message.ts'
import type { MessagesPlan } from './plan.ts'

/** A Message that is sent whole. */
export class MessageWhole implements WholeEncoder {
  readonly #plan: MessagesPlan

  constructor(plan: MessagesPlan) {
    this.#plan = plan
  }

  encode(choices: readonly Choice[]): string {
    const { id, model } = this.#plan.request
    const choice = choices[0]!
    const { outcome } = choice
    const state = {
      content: this.#blocks(choice).join(),
      stop: stopMembers(outcome),
      usage: {
        input: outcome.promptTokens,
        cached: outcome.cachedTokens,
        output: outcome.completionTokens,
        thinking: outcome.reasoningTokens,
      },
    }
    return messageJson(id, model, state, handOverMember(outcome))
  }

  /** At least one block that is not thinking. */
  #blocks(choice: Choice): string[] {
    const pieces = piecesOf(choice)
    const blocks = pieces.map(({ kind, text, tool }) => {
      if (kind === 'tool') return toolBlock(tool!, text)
      const json = JSON.stringify(text).slice(1, -1)
      return kind === 'text' ? textBlock(json) : thinkingBlock(json, signatureOf(this.#plan.request.id))
    })
    if (pieces.every(piece => piece.kind === 'reasoning')) blocks.push(textBlock(''))
    return blocks
  }
}
