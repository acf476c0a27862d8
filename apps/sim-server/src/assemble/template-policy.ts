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

/** All that the policy leaves as it is; what the interface gains has to be named here too. */
const untouched: Record<Exclude<keyof Tokenizer, 'encodeChat'>, true> = {
  kind: true,
  directory: true,
  vocabularySize: true,
  bosTokenId: true,
  eosTokenIds: true,
  encode: true,
  encodeOutput: true,
  prepareOutput: true,
  decode: true,
  detokenizer: true,
  tokenString: true,
  close: true,
}

/**
 * A tokenizer that follows a policy, for all endpoints that render.
 * @returns a view of the tokenizer; its `encodeChat` throws a TokenizerError (400) for a template that is not trusted
 */
export function withTemplatePolicy(tokenizer: Tokenizer, { defaults, trusted }: TemplatePolicy): Tokenizer {
  const encodeChat: Tokenizer['encodeChat'] = (chat, cancel) => {
    if (!trusted && bringsTemplate(chat)) throw new TokenizerError(untrusted, 'invalid_request')
    if (!defaults) return tokenizer.encodeChat(chat, cancel)
    return tokenizer.encodeChat({ ...chat, chatTemplateKwargs: { ...defaults, ...chat.chatTemplateKwargs } }, cancel)
  }
  const members = (Object.keys(untouched) as (keyof typeof untouched)[]).map(name => {
    const member = tokenizer[name]
    return [name, typeof member === 'function' ? member.bind(tokenizer) : member] as const
  })
  return { ...(Object.fromEntries(members) as unknown as Omit<Tokenizer, 'encodeChat'>), encodeChat }
}

/** As a member or, which vLLM takes for the same, among the template's variables. */
function bringsTemplate({ chatTemplate, chatTemplateKwargs }: ChatRender): boolean {
  return chatTemplate !== undefined || (chatTemplateKwargs?.['chat_template'] ?? null) !== null
}
