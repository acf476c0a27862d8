import { RequestError } from '@vllm-sim/core-engine'
import { arrayOf, boolean, integer, object, string } from '../../schema/types.ts'
import { validator } from '../../schema/validator.ts'
import { messageSchema, type WireMessage } from '../chat/wire.ts'

/** One text, one list of token ids, or one conversation to be embedded. */
export type EmbeddingInput = string | readonly number[] | { readonly messages: readonly WireMessage[] }

/** A request to `POST /v1/embeddings`. */
export interface EmbeddingWire {
  readonly model?: string | null
  readonly request_id?: unknown
  /** In its one common form. */
  readonly input: readonly EmbeddingInput[]
  readonly dimensions?: number | null
  readonly encoding_format?: string | null
  readonly add_special_tokens?: boolean | null
}

type Decoded = Omit<EmbeddingWire, 'input'> & { input?: unknown; readonly messages?: readonly WireMessage[] | null }

const read = validator<Decoded>(
  object({
    model: string,
    input: {},
    messages: arrayOf(messageSchema),
    dimensions: integer,
    encoding_format: string,
    user: string,
    add_special_tokens: boolean,
    request_id: string,
  }),
)

/** @throws RequestError 400 */
export function decodeEmbedding(json: unknown): EmbeddingWire {
  const wire = read(json)
  wire.input = wire.messages && !wire.input ? [{ messages: wire.messages }] : inputsOf(wire.input)
  return wire as EmbeddingWire
}

/** Inputs of one request: OpenAI's limit. */
const mostInputs = 2048

/** @throws RequestError 400 when `input` is something else than text, ids, or a list of one of these */
function inputsOf(input: unknown): readonly EmbeddingInput[] {
  const list = Array.isArray(input) ? readList(input) : typeof input === 'string' ? [input] : undefined
  if (!list?.length) throw new RequestError(400, 'input is required and must be a non-empty string or array')
  if (list.length > mostInputs) {
    throw new RequestError(400, `input can have at most ${mostInputs} entries, got ${list.length}.`, 'input')
  }
  if (list.includes('')) throw new RequestError(400, 'input cannot be an empty string')
  return list
}

function readList(input: readonly unknown[]): readonly (string | readonly number[])[] | undefined {
  if (input.every(item => typeof item === 'string')) return input
  if (isNumbers(input)) return [input.map(toTokenId)]
  if (input.every(isNumbers)) return input.map(item => item.map(toTokenId))
  return undefined
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(item => typeof item === 'number')
}

/** Fractions are cut, negatives become 0, as in the reference; what is too large becomes the largest id. */
function toTokenId(value: number): number {
  return Math.trunc(Math.min(Math.max(value, 0), 0xffff_ffff))
}
