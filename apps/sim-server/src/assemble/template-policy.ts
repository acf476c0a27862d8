import { type ChatRender, type Tokenizer, TokenizerError } from '@vllm-sim/tokenizer'

/** What requests may say about chat templates. */
export interface TemplatePolicy {
  /** Values that every template gets unless the request sets them (`--default-chat-template-kwargs`). */
  readonly defaults: Readonly<Record<string, unknown>> | undefined
  /** Requests may bring a template of their own (`--trust-request-chat-template`). */
  readonly trusted: boolean
}

/** vLLM's text. */
const untrusted =
  'Chat template is passed with request, but --trust-request-chat-template is not set. ' +
  'Refused request with untrusted chat template.'

/**
 * Makes a tokenizer follow a policy, for all endpoints that render.
 * @returns the same tokenizer; its `encodeChat` throws a TokenizerError (400) for a template that is not trusted
 */
export function withTemplatePolicy(tokenizer: Tokenizer, { defaults, trusted }: TemplatePolicy): Tokenizer {
  const encodeChat = tokenizer.encodeChat.bind(tokenizer)
  const checked: Tokenizer['encodeChat'] = (chat, ...rest) => {
    if (!trusted && bringsTemplate(chat)) throw new TokenizerError(untrusted, 'invalid_request')
    if (!defaults) return encodeChat(chat, ...rest)
    return encodeChat({ ...chat, chatTemplateKwargs: { ...defaults, ...chat.chatTemplateKwargs } }, ...rest)
  }
  return Object.assign(tokenizer, { encodeChat: checked })
}

/** As a member or, which vLLM takes for the same, among the template's variables. */
function bringsTemplate({ chatTemplate, chatTemplateKwargs }: ChatRender): boolean {
  return chatTemplate !== undefined || (chatTemplateKwargs?.['chat_template'] ?? null) !== null
}
