import { Token } from '@vllm-sim/core-engine'
import type { Choice } from '@vllm-sim/serving'
import type { WholeEncoder } from '../../generation/endpoint.ts'
import { handOverMember } from '../../output/kv-transfer.ts'
import type { BodyText } from '../../output/whole-answer.ts'
import type { ResponsesPlan } from './plan.ts'
import { ResponseRecord } from './response.ts'
import type { ResponseStore } from './store.ts'

/** The Response object of an answer that is sent whole. */
export class ResponseWhole implements WholeEncoder {
  readonly #plan: ResponsesPlan
  readonly #store: ResponseStore

  constructor(plan: ResponsesPlan, store: ResponseStore) {
    this.#plan = plan
    this.#store = store
  }

  encode(choices: readonly Choice[]): BodyText {
    const { sequence, text, tokens, outcome } = choices[0]!
    const record = new ResponseRecord(this.#plan)
    // Plain text is kept in one piece: events that are made from it later have one delta.
    if (this.#plan.logprobs !== undefined || sequence.parts) record.push(sequence, tokens, tokens.length)
    else record.push(sequence, [new Token(0, text)], text === '' ? 0 : 1)
    record.finish(outcome)
    if (this.#plan.stored) this.#store.put(record)
    return record.json(handOverMember(outcome))
  }
}
