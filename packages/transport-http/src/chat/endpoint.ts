import type { ApiContext } from '../context.ts'
import type { GenerationEndpoint, Lowered, Received } from '../generation/endpoint.ts'
import { imageDelay } from '../generation/images.ts'
import { chatPrompt } from '../generation/prompts.ts'
import { limitsOf, sharedLowering } from '../generation/sampling.ts'
import { chatOutput, isPlain } from './answer.ts'
import { ChatBodyEncoder } from './body.ts'
import { DetailedChatBodyEncoder } from './detailed-body.ts'
import { DetailedChatStreamEncoder } from './detailed-stream.ts'
import { type ChatBody, maxTokensOf, parseChat, toChatRender, validateChat } from './request.ts'
import { ChatStreamEncoder } from './stream.ts'

/** `POST /v1/chat/completions` */
export const chatEndpoint: GenerationEndpoint<ChatBody> = {
  path: '/v1/chat/completions',
  cacheThresholdHeader: true,
  parse: parseChat,
  validate: validateChat,
  lower: lowerChat,
  body: call => (isPlain(call) ? new ChatBodyEncoder(call) : new DetailedChatBodyEncoder(call)),
  stream: call => (isPlain(call) ? new ChatStreamEncoder(call) : new DetailedChatStreamEncoder(call)),
}

function lowerChat(
  body: ChatBody,
  context: ApiContext,
  _model: string,
  received: Received,
): Lowered | Promise<Lowered> {
  const common = {
    n: body.n ?? 1,
    limits: limitsOf(body, maxTokensOf(body)),
    ...sharedLowering(body, body),
    ...chatOutput(body, context, received),
    ...imageDelay(received, context),
  }
  const prompt = chatPrompt(toChatRender(body), context, {
    tokens: typeof body.prompt_logprobs === 'number',
    text: body.return_prompt_text ?? false,
  })
  return prompt instanceof Promise
    ? prompt.then(one => ({ ...common, prompts: [one] }))
    : { ...common, prompts: [prompt] }
}
