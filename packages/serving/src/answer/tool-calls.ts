import { type OutputPart, type PlannedOutput, type Random, RequestError } from '@vllm-sim/core-engine'
import type { Budget } from '@vllm-sim/structured-output'
import type { ServingContext } from '../context.ts'
import type { Maker } from './generators.ts'
import { structured } from './structured.ts'
import { TextPlanner } from './text-planner.ts'
import { toolMaker } from './tool-check.ts'
import type { ToolChoice, ToolDefinition, ToolRequest } from './tools.ts'

/** Completion tokens that a call costs beside its arguments, as in the reference. */
const hiddenPerCall = 3
/** Steps of the request's budget that a call takes beside its arguments. */
const stepsPerCall = 4
/** Characters of a token at most, about: arguments that are longer than the context at that rate are refused. */
const charactersPerToken = 8
/** Decimal digits in a call's id. */
const idDigits = 10

/** Makes the tool calls of answers. */
export class ToolCalls {
  readonly #request: ToolRequest
  readonly #extraCallPercent: number
  readonly #tools: readonly CallableTool[]
  /** Pays for the calls of all answers. */
  readonly #work: Budget
  /** Calls that are made in any case, and the most there can be. */
  readonly #least: number
  readonly #most: number

  private constructor(request: ToolRequest, tools: readonly CallableTool[], extraCallPercent: number, work: Budget) {
    const { choice } = request
    this.#request = request
    this.#extraCallPercent = extraCallPercent
    this.#tools = tools
    this.#work = work
    this.#least = choice.mode === 'named' || isRequired(choice) ? 1 : 0
    this.#most = choice.mode === 'named' ? 1 : tools.length
  }

  /**
   * @returns undefined when the answer cannot have calls
   * @throws RequestError 400 when a demanded function is not there, or the arguments of one cannot be made or are longer
   * than the context
   */
  static of(request: ToolRequest, context: ServingContext): ToolCalls | undefined {
    const tools = callable(request)
    if (tools.length === 0) return undefined
    const { toolCalls } = context.settings
    const { requestBudget } = structured()
    const [checking, making] = [requestBudget(), requestBudget()]
    const planned = tools.map(tool => {
      const maker = toolMaker(tool, toolCalls, checking)
      checkLength(tool, maker, context)
      return { name: tool.name, planner: new TextPlanner(maker, making, context) }
    })
    return new ToolCalls(request, planned, toolCalls.extraCallPercent, making)
  }

  /** Calls from a random stream. @returns undefined when the answer is text */
  plan(random: Random): (PlannedOutput & { readonly hiddenTokens: number }) | undefined {
    let count = this.#least
    while (count < this.#most && random.chance(this.#extraCallPercent)) count++
    if (count === 0) return undefined
    const parts: OutputPart[] = []
    // An answer has fewer calls than chance wanted rather than more work than a request may cause.
    while (parts.length < count && (parts.length === 0 || this.#work.left > stepsPerCall)) {
      if (this.#work.left > stepsPerCall) this.#work.spend(stepsPerCall)
      parts.push(this.#call(random))
    }
    if (!this.#request.parallel) parts.length = 1
    return { parts, finishReason: 'tool_calls', uncut: true, hiddenTokens: hiddenPerCall * parts.length }
  }

  #call(random: Random): OutputPart {
    const tools = this.#tools
    const { name, planner } = tools.length === 1 ? tools[0]! : tools[random.int(0, tools.length - 1)]!
    const tokens = planner.plan(random, Number.POSITIVE_INFINITY)
    let id = this.#request.idPrefix
    for (let digit = 0; digit < idDigits; digit++) id += random.int(0, 9)
    return { kind: 'tool', ...tokens, tool: { id, name } }
  }
}

interface CallableTool {
  readonly name: string
  readonly planner: TextPlanner
}

/** Calls are not cut, so those that no context holds are refused. */
function checkLength({ name }: ToolDefinition, { texts }: Maker, { engine }: ServingContext): void {
  const most = engine.maxModelLen * charactersPerToken
  if (texts.known.length <= most) return
  throw new RequestError(
    400,
    `Tool validation failed: tool ${JSON.stringify(name)}: arguments of at least ${texts.known.length} characters are needed; at most ${most} fit into the context of ${engine.maxModelLen} tokens`,
  )
}

function isRequired(choice: ToolChoice): boolean {
  return choice.mode === 'required' || (choice.mode === 'allowed' && choice.required)
}

/** The tools among which calls choose. */
function callable({ tools, choice, subject }: ToolRequest): readonly ToolDefinition[] {
  switch (choice.mode) {
    case 'none':
      return []
    case 'named': {
      // Without any tool a choice has no effect.
      if (tools.length === 0) return []
      const tool = tools.find(({ name }) => name === choice.name)
      if (!tool) throw missing(choice.name, subject)
      return [tool]
    }
    case 'allowed': {
      const allowed = tools.filter(({ name }) => choice.names.includes(name))
      if (allowed.length === 0 && tools.length > 0 && choice.required) throw missing(choice.names[0] ?? '', subject)
      return allowed
    }
    default:
      return tools
  }
}

function missing(name: string, subject: string): RequestError {
  return new RequestError(
    400,
    `failed to create response for ${subject} tool with name '${name}' requested in tool_choice but not found in the tools list`,
  )
}
