import type { Timeline } from '@vllm-sim/core-engine'
import type { ServingContext, ServingSettings } from '@vllm-sim/serving'

export type { ToolCallSettings } from '@vllm-sim/serving'

/** What an HTTP exchange looked like, for metrics. Sizes in bytes, duration in seconds. */
export interface HttpRecorder {
  record(
    handler: string,
    method: string,
    status: number,
    seconds: number,
    requestBytes: number,
    responseBytes: number,
  ): void
}

/** Settings of the endpoints. Read at each request, so members may be getters over a live configuration. */
export interface ApiSettings extends ServingSettings {
  /** Largest request body in bytes. */
  readonly maxBodyBytes: number
  /** Take the request id from `X-Request-Id` and send it back. */
  readonly requestIdHeaders: boolean
  /** Added to the answers of generation endpoints. */
  readonly podHeaders: Readonly<Record<string, string>>
  /** Answers of generation endpoints say in `x-kv-transfer` whether the prompt was computed here. */
  readonly debugHeaders: boolean
  /** Role of the answers. */
  readonly responseRole: string
  /** Errors of `/v1/messages` have Anthropic's form and names, not OpenAI's. */
  readonly anthropicErrors: boolean
}

/** All that the endpoints work with. One object per server. */
export interface ApiContext extends ServingContext {
  readonly settings: ApiSettings
  /** Deadlines of sockets, which are in real time whatever the simulation's clock does. */
  readonly socketTimeline: Timeline
  readonly recorder?: HttpRecorder
}
