import { Code, ConnectError } from '@connectrpc/connect'
import type { GrpcContext } from '../context.ts'
import type { EngineLoad, KvEventBatch, SubscribeKvEventsRequest } from '../gen/smg/grpc/common/common_pb.ts'
import { BatchEncoder } from './encode.ts'
import { loadRecord, sameLoad } from './load-record.ts'
import type { NumberedBatch } from './source.ts'

/** How often is looked whether the load has changed, milliseconds. */
const lookEvery = 100
/** A stream that is silent for this long gets a heartbeat; a longer one when the last two told nothing new. */
const silence = 1000
const longSilence = 5000
/** Batches that may wait for a subscriber. Who does not read loses the stream, not single batches of it. */
const mostWaiting = 10_000

/**
 * The stream of one subscriber: batches as they leave, each with the load of the engine, and heartbeats with nothing else.
 * @throws ConnectError when there are no events, or what is asked for is not remembered any more
 */
export async function* kvEventBatches(
  { startSequenceNumber: start, loadRecordsBeforeFirstBatch: early }: SubscribeKvEventsRequest,
  context: GrpcContext,
  signal: AbortSignal,
): AsyncGenerator<KvEventBatch> {
  const { kvEvents, socketTimeline: timeline, rank, clock } = context
  if (!kvEvents) throw new ConnectError('KV cache events not enabled. The prefix cache is off.', Code.Unimplemented)
  const encoder = new BatchEncoder(rank)
  const waiting: NumberedBatch[] = []
  let lost = false
  let wake = Promise.withResolvers<void>()
  const from = start === 0n ? undefined : Number(start)
  const stop = kvEvents.subscribe(from, batch => {
    lost ||= waiting.length >= mostWaiting
    if (!lost) waiting.push(batch)
    wake.resolve()
  })
  if (!stop) {
    throw new ConnectError(`Batch ${start} is not remembered; the latest is ${kvEvents.latest}`, Code.OutOfRange)
  }
  signal.addEventListener('abort', () => wake.resolve(), { once: true })
  let sample = 0n
  let last = -1
  let told: EngineLoad | undefined
  let toldAt = timeline.clock.now()
  let unchanged = 0
  try {
    while (!signal.aborted) {
      wake = Promise.withResolvers()
      if (lost) throw new ConnectError('The subscriber reads too slowly; batches were lost', Code.DataLoss)
      const batch = waiting.shift()
      if (batch) {
        told = loadRecord(context, ++sample, last < 0)
        toldAt = timeline.clock.now()
        last = batch.sequence
        unchanged = 0
        yield encoder.encode(batch, told)
        continue
      }
      const cancel = timeline.at(timeline.clock.now() + lookEvery, () => wake.resolve())
      await wake.promise
      cancel()
      if (waiting.length > 0 || signal.aborted || (last < 0 && !early)) continue
      const next = loadRecord(context, sample + 1n, true)
      const changed = !told || !sameLoad(told, next)
      const quiet = timeline.clock.now() - toldAt
      if (!changed && quiet < (unchanged >= 2 ? longSilence : silence)) continue
      unchanged = changed ? 0 : unchanged + 1
      told = { ...next, loadOnly: true }
      toldAt = timeline.clock.now()
      sample++
      yield encoder.encode({ sequence: Math.max(0, last), timestamp: clock.wall() / 1000, events: [] }, told)
    }
  } finally {
    stop()
  }
}
