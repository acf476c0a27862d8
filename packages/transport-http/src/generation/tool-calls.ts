import type { OutputPart, PlannedOutput, Random } from '@vllm-sim/core-engine'
import { RequestError } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { exactTokens } from './exact-tokens.ts'
import { argumentMaker } from './generators.ts'
import { checkArguments } from './tool-check.ts'
import type { ToolChoice, ToolDefinition, ToolRequest } from './tools.ts'

/** Completion tokens that a call costs beside its arguments (http-api.md 8). */
const hiddenPerCall = 3
/** Decimal digits in a call's id. */
const idDigits = 10

/** Makes the tool calls of answers. */
export class ToolCalls {
  readonly #context: ApiContext
  readonly #request: ToolRequest
  readonly #tools: readonly ToolDefinition[]
  /** Calls that are made in any case, and the most there can be. */
  readonly #least: number
  readonly #most: number

  private constructor(request: ToolRequest, tools: readonly ToolDefinition[], context: ApiContext) {
    const { choice } = request
    this.#context = context
    this.#request = request
    this.#tools = tools
    this.#least = choice.mode === 'named' || isRequired(choice) ? 1 : 0
    this.#most = choice.mode === 'named' ? 1 : tools.length
  }

  /**
   * @returns undefined when the answer cannot have calls
   * @throws RequestError 400 when a demanded function is not there, or the arguments of one cannot be made
   */
  static of(request: ToolRequest, context: ApiContext): ToolCalls | undefined {
    const tools = callable(request)
    if (tools.length === 0) return undefined
    for (const tool of tools) checkArguments(tool, context.settings.toolCalls)
    return new ToolCalls(request, tools, context)
  }

  /** Calls from a random stream. @returns undefined when the answer is text */
  plan(random: Random): (PlannedOutput & { readonly hiddenTokens: number }) | undefined {
    const { extraCallPercent } = this.#context.settings.toolCalls
    let count = this.#least
    while (count < this.#most && random.chance(extraCallPercent)) count++
    if (count === 0) return undefined
    const parts: OutputPart[] = []
    for (let call = 0; call < count; call++) parts.push(this.#call(random))
    if (!this.#request.parallel) parts.length = 1
    return { parts, finishReason: 'tool_calls', uncut: true, hiddenTokens: hiddenPerCall * parts.length }
  }

  #call(random: Random): OutputPart {
    const tools = this.#tools
    const tool = tools.length === 1 ? tools[0]! : tools[random.int(0, tools.length - 1)]!
    const text = argumentMaker(tool.parameters, this.#context.settings.toolCalls).generate(random)
    let id = this.#request.idPrefix
    for (let digit = 0; digit < idDigits; digit++) id += random.int(0, 9)
    return { kind: 'tool', tokens: exactTokens(text, this.#context), tool: { id, name: tool.name } }
  }
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
