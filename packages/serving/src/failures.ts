import { OccurrenceCounter, RequestError } from '@vllm-sim/core-engine'
import { SeedBuilder, SeededRandom } from '@vllm-sim/latency'

/** An injected failure, ready to be sent. */
export interface InjectedFailure {
  /** HTTP status. */
  readonly status: number
  readonly message: string
  readonly param: string | null
}

/** The failures that can be injected, by name, in the order in which they are drawn. `model` is the `model` option. */
export const failureTypes: Readonly<Record<string, (model: string) => InjectedFailure>> = {
  rate_limit: model => ({
    status: 429,
    message: `Rate limit reached for ${model} in organization org-xxx on requests per min (RPM): Limit 3, Used 3, Requested 1.`,
    param: null,
  }),
  invalid_api_key: () => ({ status: 401, message: 'Incorrect API key provided.', param: null }),
  context_length: () => ({
    status: 400,
    message: "This model's maximum context length is 4096 tokens. However, your messages resulted in 4500 tokens.",
    param: 'messages',
  }),
  server_error: () => ({ status: 503, message: 'The server is overloaded or not ready yet.', param: null }),
  invalid_request: () => ({
    status: 400,
    message: "Invalid request: missing required parameter 'model'.",
    param: 'model',
  }),
  model_not_found: model => ({
    status: 404,
    message: `The model '${model}-nonexistent' does not exist`,
    param: 'model',
  }),
}

/** How often which failures happen. */
export interface FailureOptions {
  /** Requests in 100 that fail. */
  readonly rate: number
  /** Names from `failureTypes`; a name that stands twice is drawn twice as often. Empty: all. */
  readonly types: readonly string[]
}

/** Lets requests fail at random. Whether one fails depends on the seed, its content and how often that was seen. */
export class FailureInjector {
  readonly #seed: number
  readonly #model: string
  readonly #options: () => FailureOptions
  readonly #occurrences = new OccurrenceCounter()

  /** @param options asked at each request, so they may change */
  constructor(seed: number, model: string, options: () => FailureOptions) {
    this.#seed = seed
    this.#model = model
    this.#options = options
  }

  /** The failure of a request with this content, if it is to fail. Costs nothing at a rate of 0. */
  draw(content: string): InjectedFailure | undefined {
    const { rate, types } = this.#options()
    if (rate <= 0) return undefined
    const builder = new SeedBuilder().text(content)
    const occurrence = this.#occurrences.count(builder.seed())
    const random = new SeededRandom(builder.add(this.#seed).add(occurrence).seed())
    if (random.int(1, 100) > rate) return undefined
    const names = types.length > 0 ? types : Object.keys(failureTypes)
    return failureTypes[names[random.int(0, names.length - 1)]!]?.(this.#model)
  }
}

/**
 * The failure that a client asks for with `X-Return-Error`.
 * @param text the header's value, or that of metadata
 * @throws RequestError when it is not a usable status
 */
export function returnError(text: string | undefined): InjectedFailure | undefined {
  if (text === undefined || text === '') return undefined
  if (!/^[+-]?\d+$/.test(text)) {
    throw new RequestError(400, `Invalid X-Return-Error header value ${JSON.stringify(text)}: must be an integer`)
  }
  const status = Number(text)
  if (!(status >= 200 && status <= 599)) {
    throw new RequestError(
      400,
      `Invalid X-Return-Error header value ${JSON.stringify(text)}: must be an HTTP status code between 200 and 599`,
    )
  }
  return { status, message: `Simulated error triggered by X-Return-Error header (code ${status})`, param: null }
}
