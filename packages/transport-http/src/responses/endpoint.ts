import type { OutputPlan } from '@vllm-sim/core-engine'
import type { ChatMessage } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'
import { answerPlan } from '../generation/answer-plan.ts'
import type { EncodedPrompt, GenerationEndpoint, Lowered, Received } from '../generation/lowered.ts'
import { tokenized } from '../generation/prompts.ts'
import { Reasoning, reasons } from '../generation/reasoning.ts'
import { limitsOf, sharedLowering } from '../generation/sampling.ts'
import { StructuredText } from '../generation/structured-text.ts'
import { ToolCalls } from '../generation/tool-calls.ts'
import { runInBackground } from './background.ts'
import { ResponseBodyEncoder, ResponseStreamEncoder } from './encoders.ts'
import { hasToolResult } from './input.ts'
import {
  asksForReasoning,
  formatOf,
  messagesOf,
  parseResponses,
  type ResponsesBody,
  renderOf,
  validateResponses,
} from './request.ts'
import type { ResponseStore } from './store.ts'
import { turnChoice } from './tools.ts'

/** `POST /v1/responses`. @param store where responses are kept */
export function responsesEndpoint(store: ResponseStore): GenerationEndpoint<ResponsesBody> {
  return {
    path: '/v1/responses',
    cacheThresholdHeader: false,
    parse: json => parseResponses(json, store),
    validate: validateResponses,
    lower: lowerResponses,
    body: call => new ResponseBodyEncoder(call, store),
    stream: call => new ResponseStreamEncoder(call, store),
    detached: (call, res, headers) => {
      if (!call.body.background) return false
      runInBackground(call, store, res, headers)
      return true
    },
  }
}

function lowerResponses(
  body: ResponsesBody,
  context: ApiContext,
  _model: string,
  { id }: Received,
): Lowered | Promise<Lowered> {
  const messages = messagesOf(body)
  const common = {
    n: 1,
    limits: limitsOf(body, body.max_output_tokens ?? undefined),
    // A threshold of the request's own has no effect here, as in the reference.
    ...sharedLowering(body, { ...body, cache_hit_threshold: null }),
    ...outputOf(body, context, id, hasToolResult(messages)),
  }
  const prompt = promptOf(body, messages, context)
  return prompt instanceof Promise
    ? prompt.then(one => ({ ...common, prompts: [one] }))
    : { ...common, prompts: [prompt] }
}

/** The prompt; in echo mode with the tokens of the last input item. */
function promptOf(
  body: ResponsesBody,
  messages: readonly ChatMessage[],
  context: ApiContext,
): EncodedPrompt | Promise<EncodedPrompt> {
  return tokenized(
    () => context.tokenizer.encodeChat(renderOf(body, messages)),
    ({ ids, features }) => ({
      tokenIds: ids,
      ...(context.settings.echo ? { echo: context.outputTokens(body.conversation.echo) } : undefined),
      ...(features ? { features } : undefined),
    }),
  )
}

/** What the request wants instead of ordinary text. @throws RequestError 400 when that cannot be made */
function outputOf(
  body: ResponsesBody,
  context: ApiContext,
  id: string,
  afterResult: boolean,
): { output?: OutputPlan; fingerprint?: string } {
  const { functions, tool_choice: wireChoice } = body
  const format = formatOf(body)
  const choice = turnChoice(wireChoice, afterResult)
  const output = answerPlan({
    reasoning: reasons(context, asksForReasoning(body)) ? new Reasoning(context) : undefined,
    tools:
      functions.length > 0
        ? ToolCalls.of(
            {
              tools: functions,
              choice,
              // The policy keeps only the first call.
              parallel: false,
              idPrefix: 'fc_',
              subject: `responses create request (req id ${id})`,
            },
            context,
          )
        : undefined,
    structured: format && new StructuredText(format, context),
  })
  return output ? { output, fingerprint: JSON.stringify([functions, choice, format]) } : {}
}
