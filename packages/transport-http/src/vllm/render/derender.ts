import type { ServerResponse } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import { resolveModel, tokenized } from '@vllm-sim/serving'
import type { ApiContext } from '../../context.ts'
import { unparsable } from '../../generation/unparsable.ts'
import { sendJson } from '../../http/reply.ts'
import { Turns } from '../../http/turns.ts'
import { jsonText } from '../../output/json-text.ts'
import { postJson, type Route } from '../../routing/route.ts'
import { chatLogprobs, completionLogprobs } from './derender-logprobs.ts'
import {
  type DerenderChunkBody,
  isChunk,
  readChat,
  readChunk,
  readCompletion,
  type WireChoice,
  type WireGenerated,
} from './derender-request.ts'
import { continueText } from './stream-text.ts'
import { TextBudget } from './text-budget.ts'

/**
 * `POST /v1/chat/completions/derender` and `POST /v1/completions/derender`: what a generate answer, or one chunk of its
 * stream, is to a client of chat or text completions.
 */
export function derenderRoutes(context: ApiContext): Route[] {
  return [
    postJson(context, '/v1/chat/completions/derender', unparsable, async (json, _req, res) => {
      send(res, isChunk(json) ? chatChunk(readChunk(json), context) : await chatAnswer(json, context))
    }),
    postJson(context, '/v1/completions/derender', unparsable, async (json, _req, res) => {
      send(res, isChunk(json) ? completionChunk(readChunk(json), context) : await completionAnswer(json, context))
    }),
  ]
}

function send(res: ServerResponse, answer: object): void {
  sendJson(res, 200, jsonText(answer))
}

const now = ({ clock }: ApiContext): number => Math.floor(clock.wall() / 1000)

async function chatAnswer(json: unknown, context: ApiContext): Promise<object> {
  const body = readChat(json)
  const { name } = resolveModel(body.model, context)
  const generated = body.generate_response
  checkSizes([generated], context)
  const choices: object[] = []
  const turns = new Turns(context.socketTimeline.clock)
  const budget = new TextBudget()
  for (const { index, token_ids: ids, finish_reason: reason, logprobs } of generated.choices) {
    const pause = turns.next()
    if (pause) await pause
    choices.push({
      index,
      message: { role: context.settings.responseRole, content: budget.take(await decode(ids, context)), refusal: null },
      logprobs: chatLogprobs(logprobs, context.tokenizer, budget),
      finish_reason: reason ?? 'stop',
      stop_reason: null,
    })
  }
  return {
    id: generated.request_id ?? context.nextId(),
    object: 'chat.completion',
    created: now(context),
    model: name,
    choices,
    service_tier: null,
    usage: usageOf([generated], [body.prompt_tokens]),
    ...(generated.prompt_logprobs ? { prompt_logprobs: generated.prompt_logprobs } : undefined),
    ...(generated.kv_transfer_params ? { kv_transfer_params: generated.kv_transfer_params } : undefined),
  }
}

async function completionAnswer(json: unknown, context: ApiContext): Promise<object> {
  const { generate_responses: all, prompt_tokens: promptTokens, model } = readCompletion(json)
  const { name } = resolveModel(model, context)
  if (all.length === 0) {
    throw new RequestError(400, 'generate_responses must not be empty', 'generate_responses')
  }
  if (promptTokens && promptTokens.length !== all.length) {
    throw unparsable(
      `prompt_tokens length (${promptTokens.length}) must equal generate_responses length (${all.length})`,
    )
  }
  checkSizes(all, context)
  const choices: object[] = []
  const turns = new Turns(context.socketTimeline.clock)
  const budget = new TextBudget()
  for (const { token_ids: ids, finish_reason: reason, logprobs } of all.flatMap(generated => generated.choices)) {
    const pause = turns.next()
    if (pause) await pause
    choices.push({
      index: choices.length,
      text: budget.take(await decode(ids, context)),
      logprobs: completionLogprobs(logprobs, context.tokenizer, budget),
      finish_reason: reason ?? 'stop',
      stop_reason: null,
    })
  }
  const transfers = new Set(all.map(generated => jsonText(generated.kv_transfer_params ?? null)))
  const transfer = transfers.size === 1 ? all[0]!.kv_transfer_params : undefined
  return {
    id: all[0]!.request_id ?? context.nextId(),
    object: 'text_completion',
    created: now(context),
    model: name,
    choices,
    service_tier: null,
    usage: usageOf(all, promptTokens ?? []),
    ...(transfer ? { kv_transfer_params: transfer } : undefined),
  }
}

function chatChunk(body: DerenderChunkBody, context: ApiContext): object {
  return chunk(body, context, 'chat.completion.chunk', (text, first) => ({
    delta: {
      ...(first ? { role: context.settings.responseRole } : undefined),
      ...(text === '' ? undefined : { content: text }),
    },
  }))
}

function completionChunk(body: DerenderChunkBody, context: ApiContext): object {
  return chunk(body, context, 'text_completion', text => ({ text }))
}

function chunk(
  body: DerenderChunkBody,
  context: ApiContext,
  object: 'chat.completion.chunk' | 'text_completion',
  content: (text: string, first: boolean) => object,
): object {
  const { generate_chunk: generated, stream_state: state } = body
  const { name } = resolveModel(body.model, context)
  if (generated.choices.length > 1) {
    throw new RequestError(400, 'a generate_chunk has at most one choice', 'generate_chunk')
  }
  checkSizes([generated], context)
  const first = !state?.role_sent
  let next = { role_sent: !first, recent_token_ids: [...(state?.recent_token_ids ?? [])] }
  const budget = new TextBudget()
  const choices = generated.choices.map(({ index, token_ids: ids, finish_reason: reason, logprobs }) => {
    const ended = typeof reason === 'string'
    const { text, recent } = continueText(state, ids ?? [], ended, context.tokenizer, budget)
    next = { role_sent: true, recent_token_ids: recent }
    const shown = object === 'text_completion' ? completionLogprobs : chatLogprobs
    return {
      index,
      ...content(text, first),
      logprobs: shown(logprobs, context.tokenizer, budget),
      finish_reason: reason ?? null,
      ...(ended ? { stop_reason: null } : undefined),
    }
  })
  const usage = generated.usage ? usageOf([generated], [body.prompt_tokens]) : null
  const id = generated.request_id ?? context.nextId()
  return { chunk: { id, object, created: now(context), model: name, usage, choices }, stream_state: next }
}

function decode(ids: readonly number[] | null | undefined, { tokenizer }: ApiContext): string | Promise<string> {
  if (!ids?.length) return ''
  return tokenized(
    () => tokenizer.decode(ids, { skipSpecialTokens: true }),
    text => text,
    'Derender failed, ',
  )
}

/** @param given prompt tokens as the caller states them; where it does not, the answer's own count */
function usageOf(all: readonly WireGenerated[], given: readonly (number | null | undefined)[]): object {
  let prompt = 0
  let completion = 0
  for (let i = 0; i < all.length; i++) {
    const { usage, choices } = all[i]!
    prompt += given[i] ?? usage?.prompt_tokens ?? 0
    const counted = choices.reduce((sum, choice) => sum + (choice.token_ids?.length ?? 0), 0)
    completion += choices.length === 0 ? (usage?.completion_tokens ?? 0) : counted
  }
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: all[0]?.usage?.prompt_tokens_details?.cached_tokens ?? 0 },
  }
}

/** Nothing longer than the context can have been generated. @throws RequestError 400 */
function checkSizes(all: readonly WireGenerated[], { engine }: ApiContext): void {
  for (const { index, token_ids: ids } of all.flatMap<WireChoice>(generated => generated.choices)) {
    if (ids && ids.length > engine.maxModelLen) {
      throw new RequestError(
        400,
        `token_ids length (${ids.length}) in choice ${index} exceeds max_model_len (${engine.maxModelLen}).`,
        'token_ids',
      )
    }
  }
}
