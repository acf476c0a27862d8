import type { ServerResponse } from 'node:http'
import { EventStream } from '../../http/event-stream.ts'
import type { Headers } from '../../http/reply.ts'
import { ResponseEvents } from './events.ts'
import type { ResponseRecord } from './response.ts'

/** Tokens that are added before it is checked whether the client keeps up. */
const batch = 512

/**
 * Sends the events of a response that is kept, those that are still to come included. The client may leave at any time;
 * the response is made all the same.
 * @param after number of the last event that the client has; -1 for none
 */
export function followResponse(record: ResponseRecord, res: ServerResponse, after: number, headers?: Headers): void {
  const out = new EventStream(res)
  const events = new ResponseEvents(record, out, after)
  let behind = false
  const step = (): void => {
    if (behind || out.closed) return
    for (;;) {
      const remaining = events.pump(batch)
      if (remaining === 'over') {
        unfollow()
        out.end()
        return
      }
      if (!out.flush()) {
        behind = true
        out.onDrain(() => {
          behind = false
          step()
        })
        return
      }
      if (remaining === 'none') return
    }
  }
  const unfollow = record.follow(step)
  res.once('close', unfollow)
  out.start(headers)
  step()
}
