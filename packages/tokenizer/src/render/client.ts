import { type Environment, httpRequest, readText, type StartTimer } from '@vllm-sim/download'
import { TokenizerError } from '../errors.ts'
import type { MultimodalFeatures, PlaceholderRange } from '../types.ts'

/** What a render service answers: ids, and features when the chat has media. */
export interface Rendered {
  ids: number[]
  features?: MultimodalFeatures
}

/** Settings of `RenderClient`. */
export interface RenderClientOptions {
  /** Base URL of a `vllm launch render`, or of another simulator. */
  url: string
  startTimer: StartTimer
  /** Proxy variables; a render service usually needs none. */
  environment?: Environment | undefined
}

interface WireFeatures {
  mm_hashes?: Record<string, string[]> | null
  mm_placeholders?: Record<string, PlaceholderRange[]> | null
  kwargs_data?: Record<string, (string | null)[]> | null
}

/** Prefix of every message, once. */
const PREFIX = 'RenderRequest: '

/** Posts to a render service and reads its answers. Nothing is checked or connected ahead of the first call. */
export class RenderClient {
  readonly #url: string
  readonly #options: RenderClientOptions

  constructor(options: RenderClientOptions) {
    this.#url = options.url.replace(/\/+$/, '')
    this.#options = options
  }

  /**
   * @param path such as `/v1/completions/render`
   * @param timeoutMs from connecting to the last byte
   * @param signal ends the call
   * @throws TokenizerError: `invalid_request` when the service answers 4xx, `network` when it cannot be reached, else `internal`
   */
  async post(path: string, body: unknown, timeoutMs: number, signal?: AbortSignal): Promise<Rendered> {
    const { status, text } = await this.#exchange(path, JSON.stringify(body), timeoutMs, signal)
    if (status < 200 || status > 299) {
      const code = status >= 400 && status < 500 ? 'invalid_request' : 'internal'
      throw new TokenizerError(`${PREFIX}vLLM render returned status ${status}: ${text}`, code)
    }
    return parseAnswer(text.trim())
  }

  async #exchange(
    path: string,
    body: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<{ status: number; text: string }> {
    const fail = (what: string, error: unknown) =>
      new TokenizerError(`${PREFIX}${what}: ${(error as Error).message}`, 'network', { cause: error })
    const request = httpRequest(this.#url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      environment: this.#options.environment ?? {},
      startTimer: this.#options.startTimer,
      silenceMs: timeoutMs,
      totalMs: timeoutMs,
      signal,
    })
    const response = await request.catch(error => {
      throw fail(`post ${path}`, error)
    })
    const text = await readText(response).catch(error => {
      throw fail('read response', error)
    })
    return { status: response.status, text }
  }
}

function parseAnswer(text: string): Rendered {
  if (text === '') throw new TokenizerError(`${PREFIX}empty response body`, 'internal')
  const isArray = text.startsWith('[')
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch (error) {
    const kind = isArray ? 'unmarshal array response' : 'unmarshal response'
    throw new TokenizerError(`${PREFIX}${kind}: ${(error as Error).message}`, 'internal', { cause: error })
  }
  const first: unknown = Array.isArray(answer) ? answer[0] : answer
  if (Array.isArray(answer) && answer.length === 0) {
    throw new TokenizerError(`${PREFIX}render returned empty array`, 'internal')
  }
  const { token_ids: ids, features } = (first ?? {}) as { token_ids?: unknown; features?: WireFeatures | null }
  if (ids !== undefined && ids !== null && !isIds(ids)) {
    const text = `${PREFIX}unmarshal response: token_ids is not an array of unsigned 32-bit integers`
    throw new TokenizerError(text, 'internal')
  }
  return { ids: isIds(ids) ? ids : [], ...(features ? { features: toFeatures(features) } : {}) }
}

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(id => Number.isInteger(id) && id >= 0 && id <= 0xffffffff)
}

function toFeatures(wire: WireFeatures): MultimodalFeatures {
  return {
    mmHashes: wire.mm_hashes ?? {},
    mmPlaceholders: wire.mm_placeholders ?? {},
    ...(wire.kwargs_data ? { kwargsData: wire.kwargs_data } : {}),
  }
}
