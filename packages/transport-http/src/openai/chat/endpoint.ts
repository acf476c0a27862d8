import type { GenerationEndpoint } from '../../generation/endpoint.ts'
import { mayDemandForm } from '../output-format.ts'
import { FullChatStream } from './full-stream.ts'
import { FullChatWhole } from './full-whole.ts'
import { type ChatPlan, planChat } from './plan.ts'
import { ChatStream } from './stream.ts'
import { ChatWhole } from './whole.ts'
import { type ChatWire, decodeChat } from './wire.ts'

/** `POST /v1/chat/completions` */
export const chatEndpoint: GenerationEndpoint<ChatWire, ChatPlan> = {
  path: '/v1/chat/completions',
  cacheThresholdHeader: true,
  decode: decodeChat,
  needsStructure: wire => Boolean(wire.tools?.length) || mayDemandForm(wire),
  plan: planChat,
  whole: plan => (plan.full ? new FullChatWhole(plan, plan.full) : new ChatWhole(plan)),
  stream: plan => (plan.full ? new FullChatStream(plan, plan.full) : new ChatStream(plan)),
}
