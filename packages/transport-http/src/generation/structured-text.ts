import { type OutputPart, type Random, RequestError } from '@vllm-sim/core-engine'
import type { StructuredText as TextMaker } from '@vllm-sim/core-engine/structured'
import type { ApiContext } from '../context.ts'
import { exactTokens } from './exact-tokens.ts'
import { textMaker } from './generators.ts'
import type { OutputFormat } from './output-format.ts'
import { structured } from './structured.ts'

/** Makes text in the form that a request demands. */
export class StructuredText {
  readonly #context: ApiContext
  readonly #maker: TextMaker

  /** @throws RequestError 400 when no text has this form, or none that is small enough */
  constructor(format: OutputFormat, context: ApiContext) {
    this.#context = context
    try {
      this.#maker = textMaker(format, context.settings.toolCalls)
    } catch (error) {
      if (!(error instanceof structured().StructureError)) throw error
      throw new RequestError(400, `${format.member} cannot be fulfilled: ${error.message}`, format.member)
    }
  }

  /** A text, a shortest one when others have more than `maxTokens` tokens. The limit may cut even that. */
  plan(random: Random, maxTokens: number): OutputPart {
    let tokens = exactTokens(this.#maker.generate(random), this.#context)
    if (tokens.length > maxTokens) tokens = exactTokens(this.#maker.smallest(random), this.#context)
    return { kind: 'text', tokens }
  }
}
