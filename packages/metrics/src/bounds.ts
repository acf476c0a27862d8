/**
 * Upper bounds of histogram buckets as vLLM defines them (`vllm/v1/metrics/loggers.py`). `+Inf` always follows and is
 * not listed.
 */

/** Time to first token, seconds. */
export const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
] as const

/** Time between two tokens, seconds. */
export const tokenLatencyBounds = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
] as const

/** Phases of a request and the whole of it, seconds. */
export const requestLatencyBounds = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
] as const

/** Tokens of one engine step. */
export const stepTokenBounds = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384] as const

/** The `n` of a request. */
export const choiceBounds = [1, 2, 5, 10, 20] as const

/** Transfer of KV blocks, seconds. */
export const kvTransferBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 5] as const

/** Asking for a transfer, seconds. */
export const kvPostBounds = [0.001, ...kvTransferBounds] as const

/** Size of a transfer, bytes: 2 KiB, 8 KiB, … 8 GiB. */
export const kvBytesBounds = Array.from({ length: 12 }, (_, at) => 2 ** (11 + 2 * at))

/** Pieces of a transfer. */
export const kvDescriptorBounds = [10, 20, 30, 50, 75, 100, 200, 400, 1000, 2000, 4000, 10000, 20000, 50000] as const

/** Duration of an HTTP request by handler, seconds (prometheus-fastapi-instrumentator). */
export const httpBounds = [0.1, 0.5, 1] as const

/** Duration of an HTTP request over all handlers, seconds (prometheus-fastapi-instrumentator). */
export const httpFineBounds = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60,
] as const

/**
 * The 1-2-5 series of token counts: 1, 2, 5, 10, 20, 50, … up to and including `maxModelLen`; empty when that is below 1.
 *
 * @param maxModelLen context length in tokens
 */
export function tokenBounds(maxModelLen: number): number[] {
  const bounds: number[] = []
  for (let power = 1; power <= maxModelLen; power *= 10) {
    for (const mantissa of [1, 2, 5]) if (mantissa * power <= maxModelLen) bounds.push(mantissa * power)
  }
  return bounds
}
