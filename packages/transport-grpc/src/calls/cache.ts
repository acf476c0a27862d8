import { Code, ConnectError } from '@connectrpc/connect'
import type { GrpcContext } from '../context.ts'

/** Milliseconds between two tries. */
const tryEvery = 100

/**
 * Empties the prefix cache, with vLLM's texts.
 * @param seconds for how long a refused reset is tried again; 0: one try
 * @throws ConnectError for a time that is none, and when it is over
 */
export async function flushCache(
  seconds: number,
  { control, socketTimeline: timeline }: GrpcContext,
  signal: AbortSignal,
): Promise<{ success: boolean; message: string }> {
  if (!(seconds >= 0 && Number.isFinite(seconds))) {
    throw new ConnectError('timeout_s must be finite and non-negative', Code.InvalidArgument)
  }
  const end = timeline.clock.now() + seconds * 1000
  while (!control.resetPrefixCache()) {
    if (seconds === 0) {
      return { success: false, message: 'KV prefix cache reset refused; requests may be in flight' }
    }
    if (timeline.clock.now() >= end || signal.aborted) {
      const text = 'Flush cache timed out; the engine may still complete an issued reset'
      throw new ConnectError(text, Code.DeadlineExceeded)
    }
    const pause = Promise.withResolvers<void>()
    const cancel = timeline.at(timeline.clock.now() + tryEvery, () => pause.resolve())
    signal.addEventListener('abort', () => pause.resolve(), { once: true })
    await pause.promise
    cancel()
  }
  return { success: true, message: 'Local KV prefix cache flushed successfully' }
}
