import type { Call } from '../generation/lowered.ts'
import type { ResponsesBody } from './request.ts'
import { shownChoice } from './tools.ts'

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled'

/** What changes in a Response object while it is made. Members are JSON. */
export interface ResponseState {
  readonly status: ResponseStatus
  /** Unix time in whole seconds. */
  readonly completedAt: number | null
  readonly error: string
  /** The output items, without the brackets. */
  readonly output: string
  /** Undefined before it is known. */
  readonly usage: string | undefined
}

/** The Response object of one call: what stays the same is turned into JSON once. */
export class ResponseTemplate {
  readonly #head: string
  readonly #request: string

  /** @param createdAt Unix time in whole seconds */
  constructor(call: Call<ResponsesBody>, id: string, createdAt: number) {
    this.#head = `{"id":${JSON.stringify(id)},"object":"response","created_at":${createdAt},`
    this.#request = JSON.stringify(requestMembers(call)).slice(1, -1)
  }

  /** Characters that are kept. */
  get length(): number {
    return this.#head.length + this.#request.length
  }

  json({ status, completedAt, error, output, usage }: ResponseState): string {
    return (
      `${this.#head}"status":"${status}","completed_at":${completedAt},"error":${error},${this.#request},` +
      `"output":[${output}]${usage === undefined ? '' : `,"usage":${usage}`}}`
    )
  }
}

/** What a Response object repeats of the request, with OpenAI's defaults. */
function requestMembers({ body, model }: Call<ResponsesBody>): object {
  return {
    model,
    background: body.background ?? false,
    access_programs: null,
    incomplete_details: null,
    instructions: body.instructions || null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id || null,
    prompt: null,
    ...(body.prompt_cache_key ? { prompt_cache_key: body.prompt_cache_key } : undefined),
    reasoning: body.reasoning ?? null,
    ...(body.safety_identifier ? { safety_identifier: body.safety_identifier } : undefined),
    service_tier: body.service_tier ?? 'auto',
    temperature: body.temperature ?? 1,
    text: { ...body.text, format: body.text?.format ?? { type: 'text' } },
    tool_choice: shownChoice(body.tool_choice),
    tools: body.functions,
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    ...(body.user ? { user: body.user } : undefined),
  }
}
