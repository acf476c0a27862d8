import type { Random } from '@vllm-sim/latency'
import { RequestError } from './errors.ts'
import { RandomText } from './random-text.ts'
import type { FinishReason } from './request.ts'
import { ListSource, type TextContext, type TextMode, type TextSource } from './text-source.ts'
import { Token } from './token.ts'

/** A recorded answer. Both lists have the same length. */
export interface RecordedAnswer {
  readonly ids: readonly number[]
  readonly pieces: readonly string[]
  /** `length` when it has, padding included, as many tokens as were allowed. */
  readonly finish: 'stop' | 'length'
  /** Tokens of preset text that are to follow. */
  readonly pad?: number
}

/** Where recorded answers come from: for example a dataset of the package `dataset`. */
export interface RecordedAnswers {
  /**
   * An answer of at most `maxTokens` tokens.
   * @param exact it must have just as many, `pad` included
   * @throws when the record cannot be read
   */
  answer(promptIds: ArrayLike<number>, maxTokens: number, exact: boolean, random: Random): RecordedAnswer
}

/**
 * Answers with what was recorded. Where that is too short, because the end of the text is to be ignored or because of
 * `minTokens`, preset sentences follow.
 * @param sentences the tokens of each sentence, none of them empty
 */
export function datasetMode(recorded: RecordedAnswers, sentences: readonly (readonly Token[])[]): TextMode {
  return {
    open({ promptIds, maxTokens, minTokens, ignoreEos, random }: TextContext): TextSource {
      const { ids, pieces, finish, pad = 0 } = read(recorded, promptIds, maxTokens, ignoreEos, random)
      const tokens = pieces.map((piece, at) => new Token(ids[at]!, piece))
      const missing = Math.max(pad, Math.min(minTokens, maxTokens) - tokens.length)
      const reason: FinishReason = tokens.length + missing >= maxTokens ? 'length' : finish
      if (missing <= 0) return new ListSource(tokens, finish)
      return new PaddedText(tokens, new RandomText(sentences, random, missing, reason))
    },
  }
}

function read(recorded: RecordedAnswers, ...request: Parameters<RecordedAnswers['answer']>): RecordedAnswer {
  try {
    return recorded.answer(...request)
  } catch (error) {
    throw new RequestError(500, `failed to create response: ${error instanceof Error ? error.message : error}`)
  }
}

/** A list of tokens and text after it. */
class PaddedText implements TextSource {
  readonly finishReason: FinishReason
  readonly #tokens: readonly Token[]
  readonly #rest: TextSource
  #at = 0

  constructor(tokens: readonly Token[], rest: TextSource) {
    this.#tokens = tokens
    this.#rest = rest
    this.finishReason = rest.finishReason
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length && this.#rest.done
  }

  next(): Token {
    return this.#at < this.#tokens.length ? this.#tokens[this.#at++]! : this.#rest.next()
  }
}
