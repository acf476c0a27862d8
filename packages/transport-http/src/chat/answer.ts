import type { OutputPlan } from '@vllm-sim/core-engine'
import { echoText } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'
import { answerPlan } from '../generation/answer-plan.ts'
import type { Call, Received } from '../generation/endpoint.ts'
import { promptLogprobCount, type TokenName, tokenName } from '../generation/logprobs.ts'
import { readOutputFormat } from '../generation/output-format.ts'
import { Reasoning, reasons } from '../generation/reasoning.ts'
import { StructuredText } from '../generation/structured-text.ts'
import { ToolCalls } from '../generation/tool-calls.ts'
import { type ChatBody, toChatMessage, toolsOf, topLogprobs } from './request.ts'

/**
 * What a chat request wants instead of the server's ordinary text, and the content that its randomness depends on then.
 * @throws RequestError 400 when that cannot be made
 */
export function chatOutput(
  body: ChatBody,
  context: ApiContext,
  { id }: Received,
): { output?: OutputPlan; fingerprint?: string } {
  const format = readOutputFormat(body)
  const output = answerPlan({
    reasoning: reasoning(body, context),
    tools: body.tools?.length
      ? ToolCalls.of(
          {
            tools: toolsOf(body),
            choice: body.toolChoice,
            parallel: body.parallel_tool_calls ?? true,
            idPrefix: 'chatcmpl-tool-',
            subject: `chat completion request (req id ${id})`,
          },
          context,
        )
      : undefined,
    structured: format && new StructuredText(format, context),
  })
  if (!output) return {}
  return { output, fingerprint: JSON.stringify([body.tools, body.toolChoice, body.parallel_tool_calls, format]) }
}

function reasoning(body: ChatBody, context: ApiContext): Reasoning | undefined {
  if (!reasons(context, asksForReasoning(body))) return undefined
  const budget = body.thinking_token_budget
  return new Reasoning(context, typeof budget === 'number' && budget >= 0 ? budget : undefined)
}

/** What the request says about reasoning, if anything. An effort can only switch it off. */
function asksForReasoning({ chat_template_kwargs: kwargs, reasoning_effort: effort }: ChatBody): boolean | undefined {
  const enabled = kwargs?.['enable_thinking']
  if (typeof enabled === 'boolean') return enabled
  return kwargs?.['thinking'] === false || effort === 'none' ? false : undefined
}

/** What an answer shows beside plain text. */
export interface ChatFeatures {
  /** Role of the message, as JSON. */
  readonly role: string
  /** Candidates per token; undefined: no logprobs. */
  readonly logprobs: number | undefined
  readonly tokenName: TokenName
  readonly tokenIds: boolean
  readonly promptLogprobs: number | undefined
  readonly promptText: boolean
  /** An omni image ends the answer. */
  readonly image: boolean
  /** Reasoning is shown, not only generated. */
  readonly reasoning: boolean
  /** What is repeated before the answer. */
  readonly echo: string
}

export function chatFeatures({ body, context, request }: Call<ChatBody>): ChatFeatures {
  const role = roleOf(body, context)
  const last = body.messages?.at(-1)
  return {
    role: JSON.stringify(role),
    logprobs: topLogprobs(body, context),
    tokenName: tokenName(body, context),
    tokenIds: body.return_token_ids ?? false,
    promptLogprobs: promptLogprobCount(body.prompt_logprobs, context),
    promptText: body.return_prompt_text ?? false,
    image: request.extraDelay !== undefined,
    reasoning: body.include_reasoning ?? true,
    echo: body.echo && last?.role === role ? echoText([toChatMessage(last)]) : '',
  }
}

/** An answer that continues the last message has that message's role. */
export function roleOf(body: ChatBody, { settings }: ApiContext): string {
  const continued = body.continue_final_message || body.add_generation_prompt === false
  return (continued ? body.messages?.at(-1)?.role : undefined) ?? settings.responseRole
}

/** Nothing but text is wanted: the way of most requests, which costs least. */
export function isPlain({ body, request }: Call<ChatBody>): boolean {
  return (
    !request.output &&
    !request.extraDelay &&
    !body.logprobs &&
    !body.return_token_ids &&
    !body.return_prompt_text &&
    !body.echo &&
    typeof body.prompt_logprobs !== 'number'
  )
}
