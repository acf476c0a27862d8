import type { OutputPlan } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { answerPlan } from '../generation/answer-plan.ts'
import { imageDelay } from '../generation/images.ts'
import type { GenerationEndpoint, Lowered, Received } from '../generation/lowered.ts'
import { chatPrompt } from '../generation/prompts.ts'
import { Reasoning, reasons } from '../generation/reasoning.ts'
import { limitsOf, sharedLowering } from '../generation/sampling.ts'
import { StructuredText } from '../generation/structured-text.ts'
import { ToolCalls } from '../generation/tool-calls.ts'
import { commonErrors, type ErrorForm } from '../http/errors.ts'
import { MessageBodyEncoder } from './body.ts'
import { anthropicErrors } from './errors.ts'
import {
  asksForThinking,
  formatOf,
  type MessagesBody,
  parseMessages,
  renderOf,
  samplingOf,
  validateMessages,
} from './request.ts'
import { MessageStreamEncoder } from './stream.ts'
import { definitions } from './tools.ts'

/** `POST /v1/messages` */
export const messagesEndpoint: GenerationEndpoint<MessagesBody> = {
  path: '/v1/messages',
  cacheThresholdHeader: true,
  parse: parseMessages,
  validate: validateMessages,
  lower: lowerMessages,
  body: call => new MessageBodyEncoder(call),
  stream: call => new MessageStreamEncoder(call),
  errors: errorForm,
}

/** How errors of Anthropic's endpoints look. */
export function errorForm({ settings }: ApiContext): ErrorForm {
  return settings.anthropicErrors ? anthropicErrors : commonErrors
}

function lowerMessages(
  body: MessagesBody,
  context: ApiContext,
  _model: string,
  received: Received,
): Lowered | Promise<Lowered> {
  const sampling = samplingOf(body)
  const common = {
    n: 1,
    limits: limitsOf(sampling, body.max_tokens ?? undefined),
    // A threshold of the request's own has no effect here, as in the reference.
    ...sharedLowering(sampling, { ...body, cache_hit_threshold: null }),
    ...outputOf(body, context, received.id),
    // An omni image is not part of this protocol, but takes its time.
    ...imageDelay(received, context),
  }
  const prompt = chatPrompt(renderOf(body), context)
  return prompt instanceof Promise
    ? prompt.then(one => ({ ...common, prompts: [one] }))
    : { ...common, prompts: [prompt] }
}

/** What the request wants instead of ordinary text. @throws RequestError 400 when that cannot be made */
function outputOf(body: MessagesBody, context: ApiContext, id: string): { output?: OutputPlan; fingerprint?: string } {
  const { tools, tool_choice: wireChoice, toolChoice: choice } = body
  const format = formatOf(body)
  const parallel = !wireChoice?.disable_parallel_tool_use
  const output = answerPlan({
    reasoning: thinkingOf(body, context),
    tools: tools?.length
      ? ToolCalls.of(
          {
            tools: definitions(tools),
            choice,
            parallel,
            idPrefix: 'toolu_',
            // The reference runs these requests as chat requests and says so.
            subject: `chat completion request (req id ${id})`,
          },
          context,
        )
      : undefined,
    structured: format && new StructuredText(format, context),
  })
  return output ? { output, fingerprint: JSON.stringify([tools, choice, parallel, format]) } : {}
}

function thinkingOf(body: MessagesBody, context: ApiContext): Reasoning | undefined {
  if (!reasons(context, asksForThinking(body))) return undefined
  return new Reasoning(context, body.thinking?.budget_tokens ?? undefined)
}
