import type { MessageInitShape } from '@bufbuild/protobuf'
import { isoTime } from '@vllm-sim/latency'
import type { GrpcContext } from '../context.ts'
import type {
  GetLoadsResponseSchema,
  GetModelInfoResponseSchema,
  GetServerInfoResponseSchema,
  HealthCheckResponseSchema,
} from '../gen/vllm/grpc/engine/engine_pb.ts'

export function healthCheck({ health }: GrpcContext): MessageInitShape<typeof HealthCheckResponseSchema> {
  return { healthy: health.reason === undefined, message: health.reason ?? 'Health' }
}

export function modelInfo(context: GrpcContext): MessageInitShape<typeof GetModelInfoResponseSchema> {
  const { settings, engine, tokenizer, model } = context
  return {
    modelPath: settings.model,
    isGeneration: true,
    maxContextLength: engine.maxModelLen,
    maxReqInputLen: engine.maxModelLen,
    vocabSize: tokenizer.vocabularySize ?? 0,
    supportsVision: model.supportsVision,
    servedModelName: settings.servedNames[0]!,
    tokenizerPath: model.tokenizerPath,
    modelType: model.modelType,
    architectures: [...model.architectures],
    eosTokenIds: [...model.eosTokenIds],
    padTokenId: model.padTokenId,
    bosTokenId: model.bosTokenId,
    defaultSamplingParamsJson: model.defaultSamplingParams,
  }
}

export function serverInfo(context: GrpcContext): MessageInitShape<typeof GetServerInfoResponseSchema> {
  const { control, clock, server, ranks } = context
  const { running, waiting, sleeping } = control.snapshot()
  return {
    activeRequests: running + waiting,
    isPaused: sleeping,
    lastReceiveTimestamp: clock.wall() / 1000,
    uptimeSeconds: (clock.now() - server.startedAt) / 1000,
    serverType: 'vllm-grpc',
    kvConnector: server.kvConnector,
    kvRole: server.kvRole,
    kvEngineId: server.kvEngineId,
    dataParallelSize: ranks,
    kvCacheDtype: server.kvCacheDtype,
    blockSize: server.blockSize,
    modelDtype: server.modelDtype,
    pairingProtocol: server.pairingProtocol,
    maxNumSeqs: server.maxNumSeqs,
    mmItemLimits: server.mmItemLimits,
    engineReasoningParser: server.reasoningParser,
    constrainedDecodingStart: server.reasoningParser === '' ? '' : 'after_reasoning',
  }
}

export function loads(context: GrpcContext): MessageInitShape<typeof GetLoadsResponseSchema> {
  const { control, clock, load, server, rank } = context
  const { running, waiting, cacheUsage } = control.snapshot()
  const capacity = server.blockSize * server.numBlocks
  return {
    timestamp: isoTime(clock.wall()),
    version: server.version,
    dpRankCount: 1,
    loads: [
      {
        dpRank: rank,
        numRunningReqs: running,
        numWaitingReqs: waiting,
        numTotalReqs: running + waiting,
        numUsedTokens: Math.round(cacheUsage * capacity),
        maxTotalNumTokens: capacity,
        tokenUsage: cacheUsage,
        genThroughput: load.throughput(clock.now()),
        cacheHitRate: load.hitRate ?? 0,
        utilization: running / server.maxNumSeqs,
        maxRunningRequests: server.maxNumSeqs,
        numWaitingUncachedTokens: load.waitingTokens,
      },
    ],
  }
}
