import type { MessageInitShape } from '@bufbuild/protobuf'
import { ContextLengthError, RequestError } from '@vllm-sim/core-engine'
import { embeddingValue, embeddingVector, returnError } from '@vllm-sim/serving'
import type { GrpcContext } from '../context.ts'
import type { EmbedRequest, EmbedResponseSchema } from '../gen/vllm/grpc/engine/engine_pb.ts'
import type { Metadata } from '../generate/call.ts'

const defaultDimensions = 384

/** The vector of a prompt, that of `/v1/embeddings`. @throws RequestError */
export function embed(
  { tokenized }: EmbedRequest,
  metadata: Metadata,
  context: GrpcContext,
): MessageInitShape<typeof EmbedResponseSchema> {
  const { settings, engine } = context
  if (context.draining()) throw new RequestError(503, 'server is shutting down')
  if (!tokenized) throw new RequestError(400, 'EmbedRequest requires tokenized input')
  const { inputIds } = tokenized
  const failure = returnError(metadata('x-return-error')) ?? settings.injectFailure?.(inputIds.join())
  if (failure) throw new RequestError(failure.status, failure.message)
  if (inputIds.length > engine.maxModelLen) throw new ContextLengthError(engine.maxModelLen, inputIds.length, 0)
  const dimensions = settings.embeddingDimensions ?? defaultDimensions
  const steps = embeddingVector(inputIds, dimensions)
  return {
    // No token, no direction.
    embedding: steps ? Array.from(steps, embeddingValue) : new Array(dimensions).fill(0),
    promptTokens: inputIds.length,
    embeddingDim: dimensions,
  }
}
