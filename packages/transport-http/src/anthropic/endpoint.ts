import type { ApiContext } from '../context.ts'
import type { GenerationEndpoint } from '../generation/endpoint.ts'
import { commonErrors, type ErrorForm } from '../http/errors.ts'
import { anthropicErrors } from './errors.ts'
import { type MessagesPlan, planMessages } from './plan.ts'
import { MessageStream } from './stream.ts'
import { MessageWhole } from './whole.ts'
import { decodeMessages, type MessagesWire } from './wire.ts'

/** `POST /v1/messages` */
export const messagesEndpoint: GenerationEndpoint<MessagesWire, MessagesPlan> = {
  path: '/v1/messages',
  cacheThresholdHeader: true,
  decode: decodeMessages,
  needsStructure: wire => Boolean(wire.tools?.length || (wire.output_config?.format ?? wire.output_format)),
  plan: planMessages,
  whole: plan => new MessageWhole(plan),
  stream: plan => new MessageStream(plan),
  errors: errorForm,
}

/** How errors of Anthropic's endpoints look. */
export function errorForm({ settings }: ApiContext): ErrorForm {
  return settings.anthropicErrors ? anthropicErrors : commonErrors
}
