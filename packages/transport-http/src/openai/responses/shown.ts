import { jsonText } from '../../output/json-text.ts'
import { shownChoice } from './tools.ts'
import type { ResponsesWire } from './wire.ts'

/**
 * What a Response object repeats of the request, with OpenAI's defaults, as JSON without the braces.
 * @throws RequestError 400 when it is nested too deeply to be repeated
 */
export function shownRequest(wire: ResponsesWire, model: string): string {
  const shown = {
    model,
    background: wire.background ?? false,
    access_programs: null,
    incomplete_details: null,
    instructions: wire.instructions || null,
    max_output_tokens: wire.max_output_tokens ?? null,
    max_tool_calls: wire.max_tool_calls ?? null,
    metadata: wire.metadata ?? {},
    parallel_tool_calls: wire.parallel_tool_calls ?? true,
    previous_response_id: wire.previous_response_id || null,
    prompt: null,
    reasoning: wire.reasoning ?? null,
    service_tier: wire.service_tier ?? 'auto',
    temperature: wire.temperature ?? 1,
    text: { ...wire.text, format: wire.text?.format ?? { type: 'text' } },
    tool_choice: shownChoice(wire),
    tools: wire.functions,
    top_logprobs: wire.top_logprobs ?? 0,
    top_p: wire.top_p ?? 1,
    truncation: wire.truncation ?? 'disabled',
    // Absent, not null, where the request has none.
    prompt_cache_key: wire.prompt_cache_key || undefined,
    safety_identifier: wire.safety_identifier || undefined,
    user: wire.user || undefined,
  }
  return jsonText(shown).slice(1, -1)
}
