import type { IncomingMessage, ServerResponse } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import { resolveModel, tokenized } from '@vllm-sim/serving'
import type { MultimodalFeatures, PromptEncoding } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../../context.ts'
import { requestId, responseHeaders } from '../../generation/headers.ts'
import { LeavingClient } from '../../generation/leaving-client.ts'
import { unparsable } from '../../generation/unparsable.ts'
import { sendJson } from '../../http/reply.ts'
import { sendJsonPieces } from '../../http/reply-pieces.ts'
import { Turns } from '../../http/turns.ts'
import { toChatRender } from '../../openai/chat/conversation.ts'
import { decodeChat } from '../../openai/chat/wire.ts'
import { checkPrompts } from '../../openai/completions/plan.ts'
import { decodeCompletion } from '../../openai/completions/wire.ts'
import { jsonText } from '../../output/json-text.ts'
import { postJson, type Route } from '../../routing/route.ts'
import { tokenOffsets } from './offsets.ts'
import { chatSampling, completionSampling } from './sampling.ts'

/** `POST /v1/chat/completions/render` and `POST /v1/completions/render`: the generate request that a body comes to. */
export function renderRoutes(context: ApiContext): Route[] {
  return [
    postJson(context, '/v1/chat/completions/render', unparsable, (json, req, res) =>
      renderChat(json, req, res, context),
    ),
    postJson(context, '/v1/completions/render', unparsable, (json, req, res) =>
      renderCompletion(json, req, res, context),
    ),
  ]
}

const failed = 'Render failed, '

async function renderChat(
  json: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  context: ApiContext,
): Promise<void> {
  const body = decodeChat(json)
  if (!body.messages?.length) throw new RequestError(400, 'messages must not be empty')
  const model = baseModel(body.model, context)
  const cancel = new LeavingClient(context, res)
  const encoding = await tokenized(() => context.tokenizer.encodeChat(toChatRender(body), cancel), same, failed)
  const id = requestId(req, context, body)
  const offsets = asksFor(body, 'return_token_offsets') ? offsetsOf(encoding) : undefined
  const request = generateRequest(`chatcmpl-${id}`, encoding, chatSampling(body), model, body)
  send(res, { ...request, ...(offsets ? { token_offsets: offsets } : undefined) }, id, context)
}

/** Tokens whose offsets can be asked for: each takes a hundred bytes. */
const mostOffsets = 2 ** 17

function offsetsOf(encoding: PromptEncoding): ReturnType<typeof tokenOffsets> {
  const count = encoding.ids.length
  if (count <= mostOffsets) return tokenOffsets(encoding)
  const text = `return_token_offsets is possible for prompts of at most ${mostOffsets} tokens, got ${count}.`
  throw new RequestError(400, text, 'return_token_offsets')
}

async function renderCompletion(
  json: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  context: ApiContext,
): Promise<void> {
  const body = decodeCompletion(json)
  checkPrompts(body.prompt)
  const model = baseModel(body.model, context)
  const addSpecialTokens = body.add_special_tokens ?? true
  const encodings: Rendered[] = []
  const cancel = new LeavingClient(context, res)
  const turns = new Turns(context.socketTimeline.clock)
  for (const prompt of body.prompt) {
    const pause = turns.next()
    if (pause) await pause
    if (typeof prompt !== 'string') encodings.push({ ids: prompt })
    else {
      const encoding = tokenized(() => context.tokenizer.encode(prompt, { addSpecialTokens }, cancel), same, failed)
      encodings.push(encoding instanceof Promise ? await encoding : encoding)
    }
  }
  const sampling = completionSampling(body)
  checkRepeated([sampling, body.kv_transfer_params, body.cache_salt], encodings.length)
  const id = requestId(req, context, body)
  const requests = (function* (): Generator<string> {
    for (const [at, encoding] of encodings.entries()) {
      yield `${at === 0 ? '[' : ','}${jsonText(generateRequest(`cmpl-${id}-${at}`, encoding, sampling, model, body))}`
    }
    yield ']'
  })()
  sendJsonPieces(res, 200, requests, context.socketTimeline.clock, responseHeaders(context.settings, id))
}

/** Characters that the members common to all prompts may take in one answer. */
const longestRepetition = 16 * 1024 * 1024

/** Each prompt gets its own copy of the request's parameters, so these can make an answer far larger than its request. */
function checkRepeated(members: unknown, prompts: number): void {
  const length = jsonText(members).length
  if (prompts > 1 && length * prompts > longestRepetition) {
    throw new RequestError(
      400,
      `the request's parameters are too large (${length} characters) to be repeated for each of ${prompts} prompts`,
    )
  }
}

function same(encoding: PromptEncoding): PromptEncoding {
  return encoding
}

/** Adapters are not rendered for; the base model's names all mean the same. @throws RequestError 404, 400 */
function baseModel(requested: string | null | undefined, context: ApiContext): string {
  const { name, lora } = resolveModel(requested, context)
  if (!lora) return name
  throw new RequestError(400, `The model \`${name}\` is a LoRA adapter and is not supported by the render endpoints.`)
}

type Rendered = Pick<PromptEncoding, 'features'> & { readonly ids: readonly number[] }

/** Members of a body that the generate request takes over. */
interface CarriedBody {
  readonly stream?: boolean | null
  readonly stream_options?: unknown
  readonly cache_salt?: string | null
  readonly kv_transfer_params?: unknown
}

/** The body for `POST /inference/v1/generate` that continues where rendering ends. */
function generateRequest(id: string, encoding: Rendered, sampling: object, model: string, body: CarriedBody): object {
  const { features } = encoding
  const priority = (body as { readonly priority?: unknown }).priority
  return {
    request_id: id,
    token_ids: encoding.ids,
    ...(features ? { features: wireFeatures(features) } : undefined),
    sampling_params: sampling,
    model,
    stream: body.stream ?? false,
    ...(body.stream && body.stream_options ? { stream_options: body.stream_options } : undefined),
    ...(body.cache_salt ? { cache_salt: body.cache_salt } : undefined),
    priority: Number.isSafeInteger(priority) ? priority : 0,
    ...(body.kv_transfer_params ? { kv_transfer_params: body.kv_transfer_params } : undefined),
  }
}

function wireFeatures({ mmHashes, mmPlaceholders, kwargsData }: MultimodalFeatures): object {
  const data = kwargsData && Object.keys(kwargsData).length > 0 ? { kwargs_data: kwargsData } : undefined
  return { mm_hashes: mmHashes, mm_placeholders: mmPlaceholders, ...data }
}

function asksFor(body: object, member: string): boolean {
  return (body as Record<string, unknown>)[member] === true
}

function send(res: ServerResponse, value: unknown, id: string, { settings }: ApiContext): void {
  sendJson(res, 200, jsonText(value), responseHeaders(settings, id))
}
