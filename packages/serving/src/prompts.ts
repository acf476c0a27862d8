import { RequestError, Token, toTokens } from '@vllm-sim/core-engine'
import { type Cancel, type ChatRender, echoText, type PromptEncoding, TokenizerError } from '@vllm-sim/tokenizer'
import type { ServingContext } from './context.ts'
import type { Mutable } from './mutable.ts'
import type { EncodedPrompt } from './plan.ts'

/** Calls `use` with a value, at once when it is there: most are, and a promise costs a turn of the event loop. */
export function andThen<T, R>(value: T | Promise<T>, use: (value: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value)
}

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
  if (error instanceof RequestError) return error
  const message = error instanceof Error ? error.message : String(error)
  const status = error instanceof TokenizerError ? error.status : undefined
  if (status !== undefined && status >= 400 && status < 500) return new RequestError(status, message)
  return new RequestError(500, prefix + message)
}

/** Candidates of all tokens of a prompt together: each takes a microsecond and a hundred bytes. */
const mostCandidates = 2 ** 17

/** What to keep of a prompt beside its ids. */
export interface KeepOptions {
  /** The tokens with their text, because so many candidates of each are shown (0: the token alone). */
  readonly candidates?: number | undefined
  /** The text. */
  readonly text?: boolean
}

/** Renders and encodes a conversation; in echo mode with the tokens of its last message. `cancel` ends it when it takes long. */
export function chatPrompt(
  chat: ChatRender,
  context: ServingContext,
  keep: KeepOptions = {},
  cancel?: Cancel,
): EncodedPrompt | Promise<EncodedPrompt> {
  return tokenized(
    () => context.tokenizer.encodeChat(chat, cancel),
    encoding => {
      checkCandidates(encoding.ids.length, keep)
      const prompt = promptOf(encoding, context, () => echoText(chat.messages))
      if (keep.candidates !== undefined) prompt.tokens = toTokens(encoding)
      if (keep.text && encoding.text !== undefined) prompt.text = encoding.text
      return prompt
    },
  )
}

/** Encodes a text prompt; in echo mode with its own tokens. `cancel` ends it when it takes long. */
export function textPrompt(
  text: string,
  addSpecialTokens: boolean,
  context: ServingContext,
  keep: KeepOptions = {},
  cancel?: Cancel,
): EncodedPrompt | Promise<EncodedPrompt> {
  return tokenized(
    () => context.tokenizer.encode(text, { addSpecialTokens }, cancel),
    encoding => {
      checkCandidates(encoding.ids.length, keep)
      const prompt = promptOf(encoding, context, () => text)
      if (keep.candidates !== undefined) prompt.tokens = toTokens(encoding)
      if (keep.text) prompt.text = text
      return prompt
    },
  )
}

/** A prompt that came as token ids; in echo mode answered with the ids in decimal, as the reference does. */
export function idsPrompt(tokenIds: readonly number[], context: ServingContext, keep: KeepOptions = {}): EncodedPrompt {
  checkCandidates(tokenIds.length, keep)
  const last = tokenIds.length - 1
  return {
    tokenIds,
    ...(context.settings.echo
      ? { echo: tokenIds.map((id, at) => new Token(id, at < last ? `${id},` : `${id}`)) }
      : undefined),
    ...(keep.candidates !== undefined || keep.text ? decoded(tokenIds, context, keep) : undefined),
  }
}

function decoded(tokenIds: readonly number[], context: ServingContext, keep: KeepOptions): Partial<EncodedPrompt> {
  const detokenizer = context.tokenizer.detokenizer()
  const pieces = tokenIds.map(id => detokenizer.push(id))
  pieces.push(pieces.pop()! + detokenizer.flush())
  return {
    ...(keep.candidates !== undefined ? { tokens: tokenIds.map((id, at) => new Token(id, pieces[at]!)) } : undefined),
    ...(keep.text ? { text: pieces.join('') } : undefined),
  }
}

/** @throws RequestError 400 */
function checkCandidates(tokens: number, { candidates }: KeepOptions): void {
  if (candidates === undefined || tokens * Math.max(1, candidates) <= mostCandidates) return
  throw new RequestError(
    400,
    `Logprobs of a prompt can have at most ${mostCandidates} candidates, ` +
      `got ${tokens} tokens with ${Math.max(1, candidates)} each.`,
  )
}

function promptOf(encoding: PromptEncoding, context: ServingContext, echo: () => string): Mutable<EncodedPrompt> {
  const prompt: Mutable<EncodedPrompt> = { tokenIds: encoding.ids }
  if (context.settings.echo) prompt.echo = context.outputTokens(echo())
  if (encoding.features) prompt.features = encoding.features
  return prompt
}
