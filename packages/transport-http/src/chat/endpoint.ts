import type { ApiContext } from '../context.ts'
import type { GenerationEndpoint, Lowered } from '../generation/endpoint.ts'
import { chatPrompt } from '../generation/prompts.ts'
import { limitsOf, sharedLowering } from '../generation/sampling.ts'
import { ChatBodyEncoder } from './body.ts'
import { type ChatBody, maxTokensOf, parseChat, toChatRender, validateChat } from './request.ts'
import { ChatStreamEncoder } from './stream.ts'

/** `POST /v1/chat/completions` */
export const chatEndpoint: GenerationEndpoint<ChatBody> = {
  path: '/v1/chat/completions',
  cacheThresholdHeader: true,
  parse: parseChat,
  validate: validateChat,
  lower: lowerChat,
  body: call => new ChatBodyEncoder(call),
  stream: call => new ChatStreamEncoder(call),
}

function lowerChat(body: ChatBody, context: ApiContext): Lowered | Promise<Lowered> {
  const common = {
    n: body.n ?? 1,
    limits: limitsOf(body, maxTokensOf(body)),
    ...sharedLowering(body, body),
  }
  const prompt = chatPrompt(toChatRender(body), context)
  return prompt instanceof Promise
    ? prompt.then(one => ({ ...common, prompts: [one] }))
    : { ...common, prompts: [prompt] }
}
