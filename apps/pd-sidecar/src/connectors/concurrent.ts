import type { Pieces } from '@vllm-sim/json-edit'
import type { Lines, PrefillCall } from '../proxy/call.ts'
import type { Failure, ForeignAnswer } from '../proxy/failure.ts'

/** The two legs of a request that start together. */
export interface Legs {
  readonly prefill: Pieces
  readonly prefillHeaders?: Lines
  readonly decode: Pieces
  /** Told when the prefill leg failed. */
  readonly failed?: () => void
}

/**
 * Prefills and decodes at once. The client gets the decoder's answer; the prefill leg runs to its end, also when the client leaves,
 * because the prefiller's engine holds blocks for it. When it fails before anything of the decoder's answer was sent, the decoder
 * would wait in vain: its leg ends and the client gets the prefiller's error.
 */
export async function concurrently(prefill: PrefillCall, legs: Legs): Promise<void> {
  const { call } = prefill
  const { metrics, log, clock } = call.sidecar
  const decode = new AbortController()
  const left = (): void => decode.abort()
  call.signal.addEventListener('abort', left)
  if (call.signal.aborted) left()
  let failure: Failure | ForeignAnswer | undefined
  const start = clock.now()
  const background = new AbortController()
  const headers = legs.prefillHeaders ?? []
  void prefill.attempt(prefill.prefiller, legs.prefill, { headers, signal: background.signal }).then(outcome => {
    metrics.durations.prefill.observe((clock.now() - start) / 1000)
    if (outcome.ok) return
    metrics.errors.inc('prefill')
    log.error({ ...call.logFields, status: outcome.status, reason: outcome.error.message }, 'prefill request failed')
    legs.failed?.()
    if (call.res.headersSent) return
    failure = outcome.error
    decode.abort()
  })
  try {
    await call.decode(legs.decode, { signal: decode.signal })
  } catch (error) {
    throw failure ?? error
  } finally {
    call.signal.removeEventListener('abort', left)
  }
}
