import type { ServerResponse } from 'node:http'
import type { GenerationRequest, Limits } from '@vllm-sim/core-engine'
import { andThen, type EncodedPrompt, type PlannedRequest, plannedRequest } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import type { ErrorForm } from '../http/errors.ts'
import type { Headers } from '../http/reply.ts'
import type { GenerationEndpoint as Endpoint, HttpCall, Plan, StreamEncoder, WholeEncoder } from './endpoint.ts'
import { samplingParams } from './wire.ts'

// What endpoints that are not planned yet go through; it leaves with the last of them.

export type { Choice, EncodedPrompt } from '@vllm-sim/serving'
export type { StreamEncoder, WholeEncoder as BodyEncoder } from './endpoint.ts'

interface CommonBody {
  readonly model?: string | null | undefined
  readonly stream?: boolean | null | undefined
}

export interface Call<Body> {
  readonly context: ApiContext
  readonly body: Body
  readonly id: string
  readonly model: string
  readonly request: PlannedRequest
}

export interface Received {
  readonly call: HttpCall
  readonly id: string
}

type Optional = 'seed' | 'output' | 'kvTransfer' | 'cacheSalt' | 'cacheHitThreshold' | 'extraDelay' | 'fingerprint'

export interface Lowered extends Partial<Pick<GenerationRequest, Optional>> {
  readonly prompts: readonly EncodedPrompt[]
  readonly n: number
  readonly limits: Limits
}

export interface GenerationEndpoint<Body extends CommonBody> {
  readonly path: string
  readonly cacheThresholdHeader: boolean
  parse(json: unknown, context: ApiContext): Body
  validate(body: Body, context: ApiContext): void
  lower(body: Body, context: ApiContext, model: string, received: Received): Lowered | Promise<Lowered>
  body(call: Call<Body>): WholeEncoder
  stream(call: Call<Body>): StreamEncoder
  readonly errors?: (context: ApiContext) => ErrorForm
  readonly detached?: (call: Call<Body>, res: ServerResponse, headers: Headers | undefined) => boolean
}

type LoweredCall<Body> = Call<Body> & Plan

export function planned<Body extends CommonBody>(
  endpoint: GenerationEndpoint<Body>,
  context: ApiContext,
): Endpoint<Body, LoweredCall<Body>> {
  const { errors, detached } = endpoint
  return {
    path: endpoint.path,
    cacheThresholdHeader: endpoint.cacheThresholdHeader,
    decode: json => endpoint.parse(json, context),
    plan: (body, call) => {
      endpoint.validate(body, context)
      call.accept()
      const { id, model } = call
      return andThen(endpoint.lower(body, context, model.name, { call, id }), lowered => {
        const { output, fingerprint, kvTransfer, cacheSalt, cacheHitThreshold, extraDelay, limits, n, seed } = lowered
        const stream = body.stream ?? false
        const sampling = { ...samplingParams({}, undefined), ...limits, n, seed }
        const params = { stream, kvTransfer, cacheSalt, cacheHitThreshold }
        const answer = output && { output, fingerprint }
        const request = plannedRequest(call, sampling, params, lowered.prompts, answer, extraDelay)
        return { context, body, id, model: model.name, request, stream }
      })
    },
    whole: call => endpoint.body(call),
    stream: call => endpoint.stream(call),
    ...(errors ? { errors } : undefined),
    ...(detached ? { detached } : undefined),
  }
}
