import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@vllm-sim/core-engine'
import type { HttpRecorder } from '../context.ts'
import { bodySize } from './reply.ts'

/** What requests that no endpoint matched are counted under. */
const unmatched = 'none'

/**
 * Reports an exchange to `recorder` when it is over, also when the client has gone.
 * @param handler the endpoint's path when it is known already; otherwise the one that Express finds counts
 */
export function recordExchange(
  recorder: HttpRecorder,
  clock: Clock,
  req: IncomingMessage,
  res: ServerResponse,
  handler: string | undefined,
): void {
  const start = clock.now()
  // It closes once.
  res.on('close', () => {
    const path = handler ?? (req as { route?: { path?: string } }).route?.path ?? unmatched
    const seconds = (clock.now() - start) / 1000
    const received = Number(req.headers['content-length']) || 0
    recorder.record(path, req.method ?? '', res.statusCode, seconds, received, bodySize(res))
  })
}
