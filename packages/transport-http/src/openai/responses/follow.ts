import type { ServerResponse } from 'node:http'
import type { ApiContext } from '../../context.ts'
import { watchClient } from '../../generation/watch-client.ts'
import { commonErrors } from '../../http/errors.ts'
import { EventStream } from '../../http/event-stream.ts'
import { Feed } from '../../http/feed.ts'
import type { Headers } from '../../http/reply.ts'
import { ResponseEvents } from './events.ts'
import type { ResponseRecord } from './response.ts'

/**
 * Sends the events of a response that is kept, those that are still to come included. The client may leave at any time;
 * the response is made all the same.
 * @param after number of the last event that the client has; -1 for none
 */
export function followResponse(
  context: ApiContext,
  record: ResponseRecord,
  res: ServerResponse,
  after: number,
  headers?: Headers,
): void {
  const out = new EventStream(res)
  const events = new ResponseEvents(record, out, after)
  const feed = new Feed(context.socketTimeline.clock, out, events, () => unfollow())
  const unfollow = record.follow(() => feed.wake())
  watchClient(context.socketTimeline, {
    res,
    closed: unfollow,
    fail: error => {
      unfollow()
      feed.fail(error, commonErrors)
    },
  })
  out.start(headers)
  feed.wake()
}
