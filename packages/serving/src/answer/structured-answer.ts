import { type OutputPart, type Random, RequestError } from '@vllm-sim/core-engine'
import type { ServingContext } from '../context.ts'
import type { OutputFormat } from './format.ts'
import { textMaker } from './generators.ts'
import { structured } from './structured.ts'
import { TextPlanner } from './text-planner.ts'

/** Makes text in the form that a request demands. */
export class StructuredAnswer {
  readonly #planner: TextPlanner

  /** @throws RequestError 400 when no text has this form, or none that is small enough */
  constructor(format: OutputFormat, context: ServingContext) {
    const { requestBudget, StructureError } = structured()
    try {
      const maker = textMaker(format, context.settings.toolCalls, requestBudget())
      this.#planner = new TextPlanner(maker, requestBudget(), context)
    } catch (error) {
      if (!(error instanceof StructureError)) throw error
      throw new RequestError(400, `${format.member} cannot be fulfilled: ${error.message}`, format.member)
    }
  }

  /** A text, a shortest one when others have more than `maxTokens` tokens. The limit may cut even that. */
  plan(random: Random, maxTokens: number): OutputPart {
    return { kind: 'text', ...this.#planner.plan(random, maxTokens) }
  }
}
