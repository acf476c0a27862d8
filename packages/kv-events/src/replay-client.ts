import { decodeMessage, type KvEventMessage } from './message.ts'
import { endMark, errorCode, loadZmq, needsIpv6, sequenceFrame } from './zmq.ts'

export interface ReplayRequest {
  /** The publisher's replay endpoint, e.g. `tcp://10.0.0.1:5558`. */
  readonly endpoint: string
  /** Number of the first message wanted. Older ones than the publisher keeps are missing without a sign. */
  readonly from: number
  /** The topic's beginning; messages of others are left out. Default: all. */
  readonly topic?: string
  /** Milliseconds to wait for the next message. Default 5,000. */
  readonly timeout?: number
  /** Ends the replay early, without an error. */
  readonly signal?: AbortSignal
}

/**
 * Asks a publisher (ours, llm-d-inference-sim's or vLLM's of any version) for messages that were missed.
 * @throws Error when it does not answer in time, DecodeError when the answer makes no sense
 */
export async function* replayEvents(request: ReplayRequest): AsyncGenerator<KvEventMessage, void, undefined> {
  const { endpoint, from, topic = '', timeout = 5000, signal } = request
  const { Dealer } = await loadZmq()
  if (signal?.aborted) return
  const dealer = new Dealer({ linger: 0, receiveTimeout: timeout, sendTimeout: timeout, ipv6: needsIpv6(endpoint) })
  const abort = () => dealer.close()
  signal?.addEventListener('abort', abort)
  try {
    dealer.connect(endpoint)
    await dealer.send([Buffer.alloc(0), sequenceFrame(from)])
    for (;;) {
      const [, ...frames] = await dealer.receive()
      // vLLM before July 2026 sends no topic.
      if (frames.length === 2) frames.unshift(Buffer.from(topic))
      if (frames[1]?.equals(endMark)) return
      const message = decodeMessage(frames, true)
      if (message.topic.startsWith(topic)) yield message
    }
  } catch (error) {
    if (signal?.aborted) return
    if (errorCode(error) !== 'EAGAIN') throw error
    throw new Error(`no answer from the KV event replay endpoint ${endpoint} within ${timeout} ms`, { cause: error })
  } finally {
    signal?.removeEventListener('abort', abort)
    dealer.close()
  }
}
