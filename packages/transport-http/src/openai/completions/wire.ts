import type { RequestError } from '@vllm-sim/core-engine'
import { brief } from '@vllm-sim/serving'
import { unparsable } from '../../generation/unparsable.ts'
import { type SamplingWire, type SharedWire, samplingProperties, sharedProperties } from '../../generation/wire.ts'
import { boolean, integer, object } from '../../schema/types.ts'
import { validator } from '../../schema/validator.ts'
import { type FormatWire, formatProperties } from '../output-format.ts'

/** One prompt of a text completion: text or token ids. */
export type WirePrompt = string | readonly number[]

/** A request to `POST /v1/completions`; members that nothing here reads are left out. */
export interface CompletionWire extends SamplingWire, SharedWire, FormatWire {
  /** In its one common form; empty when it is absent. */
  readonly prompt: readonly WirePrompt[]
  readonly add_special_tokens?: boolean | null
  readonly echo?: boolean | null
  readonly logprobs?: number | null
  readonly prompt_logprobs?: number | null
  readonly return_tokens_as_token_ids?: boolean | null
  readonly return_token_ids?: boolean | null
}

type Decoded = Omit<CompletionWire, 'prompt'> & { prompt: readonly WirePrompt[] }

const read = validator<Decoded>(
  object({
    ...sharedProperties,
    ...samplingProperties,
    ...formatProperties,
    prompt: {},
    add_special_tokens: boolean,
    echo: boolean,
    logprobs: integer,
    prompt_logprobs: integer,
    return_tokens_as_token_ids: boolean,
    return_token_ids: boolean,
  }),
)

/** @throws RequestError 400 naming the member that is wrong */
export function decodeCompletion(json: unknown): CompletionWire {
  const wire = read(json)
  wire.prompt = promptsOf(wire.prompt)
  return wire
}

const maxTokenId = 0xffff_ffff

/** `prompt` as a list of prompts; empty when it is absent. */
function promptsOf(prompt: unknown): WirePrompt[] {
  if (prompt === undefined || prompt === null) return []
  if (typeof prompt === 'string') return [prompt]
  if (!Array.isArray(prompt)) throw badPrompt(`got ${typeof prompt}`)
  if (prompt.length === 0) return []
  if (prompt.every(item => typeof item === 'string')) return prompt
  if (prompt.every(item => typeof item === 'number')) return [tokenIds(prompt)]
  if (prompt.every(item => Array.isArray(item))) return prompt.map(tokenIds)
  throw badPrompt('the elements are of different kinds')
}

function tokenIds(list: readonly unknown[]): readonly number[] {
  for (const id of list) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > maxTokenId) {
      throw badPrompt(`${brief(id)} is not a token id`)
    }
  }
  return list as readonly number[]
}

function badPrompt(detail: string): RequestError {
  return unparsable(
    `prompt must be a string, an array of strings, an array of token ids, or an array of arrays of token ids: ${detail}`,
  )
}
