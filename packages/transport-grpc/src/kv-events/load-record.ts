import { create } from '@bufbuild/protobuf'
import type { GrpcContext } from '../context.ts'
import { type EngineLoad, EngineLoadSchema } from '../gen/smg/grpc/common/common_pb.ts'

/** The load of an engine now. @param telemetry with the members that only some records of a stream have */
export function loadRecord(context: GrpcContext, sample: bigint, telemetry: boolean): EngineLoad {
  const { control, load, server, clock } = context
  const { running, waiting, cacheUsage } = control.snapshot()
  const now = clock.now()
  const capacity = server.blockSize * server.numBlocks
  return create(EngineLoadSchema, {
    runningRequests: running,
    waitingRequests: waiting,
    waitingUncachedTokens: load.waitingTokens,
    tokenUsage: cacheUsage,
    genThroughput: load.throughput(now),
    maxRunningRequests: server.maxNumSeqs,
    ageMs: 0,
    sample,
    ...(telemetry
      ? {
          ...(load.hitRate === undefined ? undefined : { cacheHitRate: load.hitRate }),
          numUsedTokens: Math.round(cacheUsage * capacity),
          maxTotalNumTokens: capacity,
          memory: { tokenCapacity: capacity },
          queues: { waiting },
        }
      : undefined),
  })
}

/** Whether two records say the same about the engine. */
export function sameLoad(a: EngineLoad, b: EngineLoad): boolean {
  return (
    a.runningRequests === b.runningRequests &&
    a.waitingRequests === b.waitingRequests &&
    a.waitingUncachedTokens === b.waitingUncachedTokens &&
    a.tokenUsage === b.tokenUsage &&
    a.genThroughput === b.genThroughput
  )
}
