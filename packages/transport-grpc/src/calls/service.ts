import { toBinary } from '@bufbuild/protobuf'
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect'
import type { GrpcContext } from '../context.ts'
import { GenerateRequestSchema, VllmEngine } from '../gen/vllm/grpc/engine/engine_pb.ts'
import { type Metadata, startGenerate } from '../generate/call.ts'
import { MessageQueue } from '../generate/message-queue.ts'
import { kvEventBatches } from '../kv-events/subscription.ts'
import { flushCache } from './cache.ts'
import { embed } from './embed.ts'
import { healthCheck, loads, modelInfo, serverInfo } from './info.ts'
import { startProfile, stopProfile } from './profile.ts'
import { tokenizerPieces } from './tokenizer.ts'

/** Registers vLLM's engine service. */
export function engineRoutes(router: ConnectRouter, context: GrpcContext): void {
  router.service(VllmEngine, {
    generate(request, call) {
      const queue = new MessageQueue(call.signal)
      const content = Buffer.from(toBinary(GenerateRequestSchema, request)).toString('latin1')
      startGenerate(request, metadataOf(call), content, context.clock.now(), queue, context)
      return queue
    },
    embed: (request, call) => embed(request, metadataOf(call), context),
    abort({ requestIds }) {
      context.control.abortRequests(new Set(requestIds))
      return {}
    },
    healthCheck: () => healthCheck(context),
    getModelInfo: () => modelInfo(context),
    getServerInfo: () => serverInfo(context),
    getLoads: () => loads(context),
    getTokenizer: () => tokenizerPieces(context),
    subscribeKvEvents: (request, { signal }) => kvEventBatches(request, context, signal),
    flushCache: ({ timeoutS }, { signal }) => flushCache(timeoutS, context, signal),
    startProfile,
    stopProfile,
  })
}

function metadataOf({ requestHeader }: HandlerContext): Metadata {
  return name => requestHeader.get(name) ?? undefined
}
