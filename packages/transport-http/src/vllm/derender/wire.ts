import { arrayOf, boolean, object, string } from '../../schema/types.ts'
import { type JsonSchema, validator } from '../../schema/validator.ts'

/** One candidate of a generate answer's logprobs; `token` is `token_id:<id>`. */
export interface WireCandidate {
  readonly token: string
  readonly logprob: number
}

/** Logprobs of a generate answer. */
export interface WireLogprobs {
  readonly content?: readonly (WireCandidate & { readonly top_logprobs?: readonly WireCandidate[] | null })[] | null
}

/** One choice of a generate answer or of one of its stream's chunks. */
export interface WireChoice {
  readonly index: number
  readonly token_ids?: readonly number[] | null
  readonly finish_reason?: string | null
  readonly logprobs?: WireLogprobs | null
}

/** A generate answer, or one chunk of its stream. */
export interface WireGenerated {
  readonly request_id?: string | null
  readonly choices: readonly WireChoice[]
  readonly usage?: {
    readonly prompt_tokens?: number | null
    readonly completion_tokens?: number | null
    readonly prompt_tokens_details?: { readonly cached_tokens?: number | null } | null
  } | null
  readonly prompt_logprobs?: readonly unknown[] | null
  readonly kv_transfer_params?: unknown
}

/** What a client carries from one chunk's answer to the next call. */
export interface StreamState {
  /** The role was sent. */
  readonly role_sent?: boolean | null
  /** Latest ids, as far back as the text of the next ones depends on them. */
  readonly recent_token_ids?: readonly number[] | null
}

/** Most ids in a state: enough for a character that is spread over many tokens. */
export const longestState = 64

const tokenId: JsonSchema = { type: 'integer', minimum: 0, maximum: 0xffff_ffff }
const count: JsonSchema = { type: 'integer', nullable: true, minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const nullable = (schema: JsonSchema): JsonSchema => ({ ...schema, nullable: true })
const candidate = { token: { type: 'string' }, logprob: { type: 'number' } }

const generated = object(
  {
    request_id: string,
    choices: {
      type: 'array',
      items: object(
        {
          index: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
          token_ids: arrayOf(tokenId),
          finish_reason: string,
          logprobs: nullable(
            object({
              content: arrayOf(
                object({ ...candidate, top_logprobs: arrayOf(object(candidate, ['token', 'logprob'])) }, [
                  'token',
                  'logprob',
                ]),
              ),
            }),
          ),
        },
        ['index'],
      ),
    },
    usage: nullable(
      object({
        prompt_tokens: count,
        completion_tokens: count,
        prompt_tokens_details: nullable(object({ cached_tokens: count })),
      }),
    ),
    prompt_logprobs: arrayOf({}),
  },
  ['choices'],
)

/** A request with `stream: true`: one chunk. */
export interface ChunkWire {
  readonly model?: string | null
  readonly generate_chunk: WireGenerated
  readonly stream_state?: StreamState | null
  readonly prompt_tokens?: number | null
}

/** @throws RequestError 400 naming the member that is wrong */
export const decodeChunk = validator<ChunkWire>(
  object(
    {
      model: string,
      stream: boolean,
      generate_chunk: generated,
      stream_state: nullable(
        object({ role_sent: boolean, recent_token_ids: { ...arrayOf(tokenId), maxItems: longestState } }),
      ),
      prompt_tokens: count,
    },
    ['generate_chunk'],
  ),
)

/** A whole answer to a chat request. */
export interface ChatWire {
  readonly model?: string | null
  readonly generate_response: WireGenerated
  readonly prompt_tokens?: number | null
}

/** @throws RequestError 400 naming the member that is wrong */
export const decodeChat = validator<ChatWire>(
  object({ model: string, stream: boolean, generate_response: generated, prompt_tokens: count }, ['generate_response']),
)

/** Whole answers, one per prompt of a text completion. */
export interface CompletionWire {
  readonly model?: string | null
  readonly generate_responses: readonly WireGenerated[]
  readonly prompt_tokens?: readonly number[] | null
}

/** @throws RequestError 400 naming the member that is wrong */
export const decodeCompletion = validator<CompletionWire>(
  object(
    {
      model: string,
      stream: boolean,
      generate_responses: { type: 'array', items: generated },
      prompt_tokens: arrayOf({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    },
    ['generate_responses'],
  ),
)

/** Whether a body is one chunk of a stream. */
export const isChunk = (json: unknown): boolean => (json as { readonly stream?: unknown } | null)?.stream === true
