import type { IncomingMessage, ServerResponse } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import { embeddingVector } from '@vllm-sim/serving'
import { checkContent, messageSchema, toChatRender, type WireMessage } from '../chat/request.ts'
import type { ApiContext } from '../context.ts'
import { requestId, responseHeaders } from '../generation/headers.ts'
import { tokenized } from '../generation/prompts.ts'
import { unparsable } from '../generation/unparsable.ts'
import { sendJson } from '../http/reply.ts'
import { postJson, type Route } from '../routing/route.ts'
import { arrayOf, boolean, integer, object, string } from '../schema/types.ts'
import { validator } from '../schema/validator.ts'
import { inputsOf } from './input.ts'
import { floatBytes, floatJson } from './vector.ts'

interface EmbeddingBody {
  readonly model?: string | null
  readonly input?: unknown
  /** A conversation instead of an input. */
  readonly messages?: readonly WireMessage[] | null
  readonly dimensions?: number | null
  readonly encoding_format?: string | null
  readonly add_special_tokens?: boolean | null
}

const read = validator<EmbeddingBody>(
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

/** Dimensions of a vector when neither request nor server say (configuration option `default-embedding-dimensions`). */
const defaultDimensions = 384

/** Values of all vectors of one answer together: 2,048 inputs of 4,096 dimensions. */
const mostValues = 2 ** 23

/** `POST /v1/embeddings`: vectors made from token ids. Absent where only the multimodal encoder runs. */
export function embeddingRoutes(context: ApiContext): Route[] {
  if (context.settings.mmEncoderOnly) return []
  return [postJson(context, '/v1/embeddings', unparsable, (json, req, res) => embed(json, req, res, context))]
}

async function embed(json: unknown, req: IncomingMessage, res: ServerResponse, context: ApiContext): Promise<void> {
  const body = read(json)
  const texts = body.messages && !body.input ? [body.messages] : inputsOf(body.input)
  const dimensions = body.dimensions ?? context.settings.embeddingDimensions ?? defaultDimensions
  if (dimensions < 1) throw new RequestError(400, 'dimensions must be at least 1')
  if (dimensions * texts.length > mostValues) {
    throw new RequestError(
      400,
      `${texts.length} inputs with ${dimensions} dimensions are more than the ${mostValues} values of one answer`,
      'dimensions',
    )
  }
  const addSpecialTokens = body.add_special_tokens ?? true
  let tokens = 0
  const vectors: (Uint16Array | undefined)[] = []
  for (const text of texts) {
    const ids = idsOf(text, addSpecialTokens, context)
    const list = ids instanceof Promise ? await ids : ids
    tokens += list.length
    vectors.push(embeddingVector(list, dimensions))
  }
  const id = requestId(req, context, body)
  const answer: Answer = {
    id,
    model: body.model || context.settings.model,
    created: Math.floor(context.clock.wall() / 1000),
    dimensions,
    vectors,
    usage: `{"prompt_tokens":${tokens},"total_tokens":${tokens}}`,
  }
  const headers = responseHeaders(context.settings, id)
  if (body.encoding_format === 'bytes' || body.encoding_format === 'bytes_only') {
    sendBytes(res, answer, { ...headers, ...(body.encoding_format === 'bytes' ? metadata(answer) : undefined) })
  } else sendJson(res, 200, answerJson(answer, body.encoding_format === 'base64'), headers)
}

function idsOf(
  text: string | readonly (number | WireMessage)[],
  addSpecialTokens: boolean,
  { tokenizer }: ApiContext,
): readonly number[] | Promise<readonly number[]> {
  if (isIds(text)) return text
  return tokenized(
    () => {
      if (typeof text === 'string') return tokenizer.encode(text, { addSpecialTokens })
      const messages = text as readonly WireMessage[]
      checkContent(messages)
      return tokenizer.encodeChat(toChatRender({ messages, add_special_tokens: addSpecialTokens }))
    },
    encoding => encoding.ids,
    'Failed to tokenize input, ',
  )
}

function isIds(text: string | readonly unknown[]): text is readonly number[] {
  return typeof text !== 'string' && (text.length === 0 || typeof text[0] === 'number')
}

interface Answer {
  readonly id: string
  readonly model: string
  /** Unix time, seconds. */
  readonly created: number
  readonly dimensions: number
  readonly vectors: readonly (Uint16Array | undefined)[]
  /** JSON. */
  readonly usage: string
}

function answerJson({ id, model, created, dimensions, vectors, usage }: Answer, base64: boolean): string {
  const data = vectors.map((vector, index) => {
    const embedding = base64 ? `"${floatBytes(vector, dimensions).toString('base64')}"` : floatJson(vector, dimensions)
    return `{"object":"embedding","index":${index},"embedding":${embedding}}`
  })
  return (
    `{"id":${JSON.stringify(`embd-${id}`)},"object":"list","created":${created},"model":${JSON.stringify(model)},` +
    `"data":[${data.join()}],"usage":${usage}}`
  )
}

/** vLLM's header that says what the bytes of `encoding_format: bytes` are. */
function metadata({ id, model, created, dimensions, vectors, usage }: Answer): { metadata: string } {
  const size = dimensions * 4
  const data = vectors.map((_, index) => ({
    index,
    embed_dtype: 'float32',
    endianness: 'little',
    start: index * size,
    end: (index + 1) * size,
    shape: [dimensions],
  }))
  const value = JSON.stringify({ id: `embd-${id}`, created, model, data, usage: JSON.parse(usage) })
  // A header has no other characters.
  return {
    metadata: value.replaceAll(/[^\x20-\x7e]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
  }
}

function sendBytes(res: ServerResponse, { dimensions, vectors }: Answer, headers: Record<string, string>): void {
  const body = Buffer.concat(vectors.map(vector => floatBytes(vector, dimensions)))
  res
    .writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length, ...headers })
    .end(body)
}
