import { RequestError } from '@vllm-sim/core-engine'
import { resolveModel, tokenized } from '@vllm-sim/serving'
import type { Cancel, PromptEncoding } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../../context.ts'
import { Turns } from '../../http/turns.ts'
import { toChatRender } from '../../openai/chat/conversation.ts'
import type { ChatWire } from '../../openai/chat/wire.ts'
import { checkPrompts } from '../../openai/completions/plan.ts'
import type { CompletionWire } from '../../openai/completions/wire.ts'
import { jsonText } from '../../output/json-text.ts'
import { tokenOffsets } from './offsets.ts'
import { chatSampling, completionSampling } from './sampling.ts'

/** A prompt as the generate request takes it. */
export type Rendered = Pick<PromptEncoding, 'features'> & { readonly ids: readonly number[] }

/** The generate requests that a body comes to. */
export interface RenderPlan {
  /** The bare request id. */
  readonly id: string
  readonly model: string
  readonly prompts: readonly Rendered[]
  /** `sampling_params` of each. */
  readonly sampling: object
  /** The request, of which some members go into each as they are. */
  readonly carried: Carried
  /** Of a conversation's tokens, when asked for. */
  readonly offsets?: ReturnType<typeof tokenOffsets>
}

/** Members that a generate request takes over. */
interface Carried {
  readonly stream?: boolean | null
  readonly stream_options?: unknown
  readonly cache_salt?: string | null
  readonly kv_transfer_params?: unknown
}

const failed = 'Render failed, '

/** @param requestId gives the id, or throws, when the prompt is rendered @throws RequestError */
export async function planChatRender(
  wire: ChatWire,
  context: ApiContext,
  cancel: Cancel,
  requestId: () => string,
): Promise<RenderPlan> {
  if (!wire.messages?.length) throw new RequestError(400, 'messages must not be empty')
  const model = baseModel(wire.model, context)
  const encoding = await tokenized(() => context.tokenizer.encodeChat(toChatRender(wire), cancel), same, failed)
  const id = requestId()
  const offsets = (wire as { return_token_offsets?: unknown }).return_token_offsets === true
  return {
    id,
    model,
    prompts: [encoding],
    sampling: chatSampling(wire),
    carried: wire,
    offsets: offsets ? offsetsOf(encoding) : undefined,
  }
}

/** @param requestId as for a chat request @throws RequestError */
export async function planCompletionRender(
  wire: CompletionWire,
  context: ApiContext,
  cancel: Cancel,
  requestId: () => string,
): Promise<RenderPlan> {
  checkPrompts(wire.prompt)
  const model = baseModel(wire.model, context)
  const addSpecialTokens = wire.add_special_tokens ?? true
  const prompts: Rendered[] = []
  const turns = new Turns(context.socketTimeline.clock)
  for (const prompt of wire.prompt) {
    const pause = turns.next()
    if (pause) await pause
    if (typeof prompt !== 'string') prompts.push({ ids: prompt })
    else {
      const encoding = tokenized(() => context.tokenizer.encode(prompt, { addSpecialTokens }, cancel), same, failed)
      prompts.push(encoding instanceof Promise ? await encoding : encoding)
    }
  }
  const sampling = completionSampling(wire)
  checkRepeated([sampling, wire.kv_transfer_params, wire.cache_salt], prompts.length)
  return { id: requestId(), model, prompts, sampling, carried: wire }
}

/** Tokens whose offsets can be asked for: each takes a hundred bytes. */
const mostOffsets = 2 ** 17

function offsetsOf(encoding: PromptEncoding): ReturnType<typeof tokenOffsets> {
  const count = encoding.ids.length
  if (count <= mostOffsets) return tokenOffsets(encoding)
  const text = `return_token_offsets is possible for prompts of at most ${mostOffsets} tokens, got ${count}.`
  throw new RequestError(400, text, 'return_token_offsets')
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
