import { type Prompt, RequestError } from '@vllm-sim/core-engine'
import { type ChatRender, echoText, type PromptEncoding, TokenizerError } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'

/**
 * Calls `use` with the value of a tokenizer's answer, at once when it is there, and turns a tokenizer's failure into
 * the endpoint's error.
 * @param prefix of the message of a failure that is not the request's fault
 */
export function tokenized<T, R>(
  encode: () => T | Promise<T>,
  use: (value: T) => R,
  prefix = 'Failed to tokenize, ',
): R | Promise<R> {
  let result: T | Promise<T>
  try {
    result = encode()
  } catch (error) {
    throw tokenizeError(error, prefix)
  }
  if (!(result instanceof Promise)) return use(result)
  return result.then(use, error => {
    throw tokenizeError(error, prefix)
  })
}

function tokenizeError(error: unknown, prefix: string): RequestError {
  const message = error instanceof Error ? error.message : String(error)
  const status = error instanceof TokenizerError ? error.status : undefined
  if (status !== undefined && status >= 400 && status < 500) return new RequestError(status, message)
  return new RequestError(500, prefix + message)
}

/** Renders and encodes a conversation; in echo mode with the tokens of its last message. */
export function chatPrompt(chat: ChatRender, context: ApiContext): Prompt | Promise<Prompt> {
  return tokenized(
    () => context.tokenizer.encodeChat(chat),
    encoding => promptOf(encoding, context, () => echoText(chat.messages)),
  )
}

/** Encodes a text prompt; in echo mode with its own tokens. */
export function textPrompt(text: string, addSpecialTokens: boolean, context: ApiContext): Prompt | Promise<Prompt> {
  return tokenized(
    () => context.tokenizer.encode(text, { addSpecialTokens }),
    encoding => promptOf(encoding, context, () => text),
  )
}

function promptOf(encoding: PromptEncoding, context: ApiContext, echo: () => string): Prompt {
  return {
    tokenIds: encoding.ids,
    ...(context.settings.echo ? { echo: context.outputTokens(echo()) } : undefined),
    ...(encoding.features ? { features: encoding.features } : undefined),
  }
}
