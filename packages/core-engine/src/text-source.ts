import type { Random } from '@vllm-sim/latency'
import type { FinishReason, OutputPart, PlannedOutput } from './request.ts'
import type { Token } from './token.ts'

/** Produces the tokens of one sequence, one at a time. */
export interface TextSource {
  /** The next token. Only called while `done` is false. */
  next(): Token
  /** No token is left. */
  readonly done: boolean
  /** Why it ends when nothing else ends it. */
  readonly finishReason: FinishReason
  /** The next token needs no time of its own: it starts a further tool call. */
  readonly nextIsFree?: boolean
  /** Neither the limit nor a stop string or token ends it early (tool calls, whose arguments have to stay valid). */
  readonly uncut?: boolean
  /** The parts of the output, when it is not plain text. */
  readonly parts?: readonly OutputPart[]
  /** Completion tokens beside those that are produced. */
  readonly hiddenTokens?: number
}

/** What a source may depend on. Lengths in tokens. */
export interface TextContext {
  readonly random: Random
  readonly promptIds: ArrayLike<number>
  readonly echo: readonly Token[] | undefined
  /** Most tokens that may come: the request's limit or what is left of the context, at least 1. */
  readonly maxTokens: number
  /** The request itself set the limit. */
  readonly limited: boolean
  readonly minTokens: number
  readonly ignoreEos: boolean
}

/** The server's ordinary text, chosen by its mode. */
export interface TextMode {
  open(context: TextContext): TextSource
}

/** A list of tokens, up to `end`. */
export class ListSource implements TextSource {
  readonly finishReason: FinishReason
  readonly #tokens: readonly Token[]
  readonly #end: number
  #at = 0

  constructor(tokens: readonly Token[], finishReason: FinishReason, end = tokens.length) {
    this.#tokens = tokens
    this.#end = Math.min(end, tokens.length)
    this.finishReason = finishReason
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  next(): Token {
    return this.#tokens[this.#at++]!
  }
}

/** Repeats the prompt. Only a stop string cuts it; the limit merely turns the reason into `length`. */
export const echoMode: TextMode = {
  open({ echo = [], limited, maxTokens }) {
    return new ListSource(echo, limited && echo.length >= maxTokens ? 'length' : 'stop')
  },
}

/** Answers with one token as often as the request's limit says, once without a limit, always with reason `length`. */
export function repeatMode(token: Token): TextMode {
  return {
    open({ limited, maxTokens }) {
      return new RepeatSource(token, limited ? maxTokens : 1)
    },
  }
}

class RepeatSource implements TextSource {
  readonly finishReason = 'length'
  readonly #token: Token
  #left: number

  constructor(token: Token, count: number) {
    this.#token = token
    this.#left = count
  }

  get done(): boolean {
    return this.#left <= 0
  }

  next(): Token {
    this.#left--
    return this.#token
  }
}

/** Plays a plan's parts and, when it says so, ordinary text after them. The limit cuts all but `uncut` plans. */
export class PlannedSource implements TextSource {
  readonly parts: readonly OutputPart[]
  readonly hiddenTokens: number
  readonly uncut: boolean
  readonly #plan: PlannedOutput
  readonly #rest: TextSource | undefined
  #part = 0
  #at = 0
  #left: number

  /** @param rest ordinary text that follows the parts */
  constructor(plan: PlannedOutput, maxTokens: number, rest: TextSource | undefined) {
    this.parts = rest ? [...plan.parts, { kind: 'text', tokens: [] }] : plan.parts
    this.hiddenTokens = plan.hiddenTokens ?? 0
    this.uncut = plan.uncut ?? false
    this.#plan = plan
    this.#rest = rest
    this.#left = plan.uncut ? Number.POSITIVE_INFINITY : maxTokens
    this.#skipEmpty()
  }

  get done(): boolean {
    if (this.#left <= 0) return true
    return this.#part >= this.#plan.parts.length && (this.#rest?.done ?? true)
  }

  get finishReason(): FinishReason {
    const planned = this.#part >= this.#plan.parts.length
    if (planned && this.#rest?.done) return this.#rest.finishReason
    if (!planned || (this.#rest && this.#left <= 0)) return 'length'
    return this.#plan.finishReason
  }

  get nextIsFree(): boolean {
    const { parts } = this.#plan
    return this.#at === 0 && parts[this.#part]?.kind === 'tool' && parts[this.#part - 1]?.kind === 'tool'
  }

  next(): Token {
    this.#left--
    const part = this.#plan.parts[this.#part]
    if (!part) return this.#rest!.next()
    const token = part.tokens[this.#at++]!
    if (this.#at >= part.tokens.length && !part.extend?.()) {
      this.#part++
      this.#at = 0
      this.#skipEmpty()
    }
    return token
  }

  #skipEmpty(): void {
    while (this.#plan.parts[this.#part]?.tokens.length === 0) this.#part++
  }
}
