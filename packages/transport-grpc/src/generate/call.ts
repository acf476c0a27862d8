import { RequestError } from '@vllm-sim/core-engine'
import {
  booleanValue,
  type Call,
  type KvTransfers,
  loadStructured,
  type ResolvedModel,
  resolveModel,
  returnError,
} from '@vllm-sim/serving'
import type { GrpcContext } from '../context.ts'
import type { GenerateRequest } from '../gen/vllm/grpc/engine/engine_pb.ts'
import type { MessageStream } from '../hot/message-stream.ts'
import { toConnectError } from '../status.ts'
import { type GeneratePlan, planGenerate } from './plan.ts'
import { GenerateSink } from './sink.ts'

/** A call's metadata, by name in lower case. */
export type Metadata = (name: string) => string | undefined

/** What came in with a request. Its signal is aborted when the client leaves or the deadline passes before the plan is ready. */
class GenerateCall implements Call {
  readonly context: GrpcContext
  readonly id: string
  readonly model: ResolvedModel
  readonly arrival: number
  readonly content: string
  readonly forceCacheThreshold: boolean
  readonly sendImage = undefined
  readonly #out: MessageStream
  #signal: AbortSignal | undefined

  constructor(
    wire: GenerateRequest,
    metadata: Metadata,
    content: string,
    arrival: number,
    out: MessageStream,
    context: GrpcContext,
  ) {
    this.context = context
    this.id = wire.requestId || metadata('x-request-id') || context.nextId()
    this.model = resolveModel(metadata('x-lora-name') ?? context.settings.servedNames[0], context)
    this.arrival = arrival
    this.content = content
    this.forceCacheThreshold = booleanValue(metadata('x-cache-threshold-finish-reason')) ?? false
    this.#out = out
  }

  get signal(): AbortSignal {
    if (!this.#signal) {
      const abort = new AbortController()
      this.#signal = abort.signal
      this.#out.onLeave(() => abort.abort())
    }
    return this.#signal
  }
}

/**
 * Serves a call of `Generate`, whichever of the protocols it came by. All errors become the status of the answer.
 * @param content the request as it was sent: what chances are derived from
 * @param arrival clock time at which the call came in, milliseconds
 */
export function startGenerate(
  wire: GenerateRequest,
  metadata: Metadata,
  content: string,
  arrival: number,
  out: MessageStream,
  context: GrpcContext,
): void {
  const fail = (error: unknown): void => {
    const known = toConnectError(error)
    if (!(error instanceof RequestError)) context.log.error({ err: error }, 'Generate failed')
    out.end(known)
  }
  try {
    if (context.draining()) throw new RequestError(503, 'server is shutting down')
    const { settings } = context
    const failure = returnError(metadata('x-return-error')) ?? settings.injectFailure?.(content)
    if (failure) throw new RequestError(failure.status, failure.message)
    const call = new GenerateCall(wire, metadata, content, arrival, out, context)
    const loading = wire.samplingParams?.constraint.case === undefined ? undefined : loadStructured()
    const plan = loading ? loading.then(() => planGenerate(wire, call, context)) : planGenerate(wire, call, context)
    const run = (ready: GeneratePlan): void => {
      const { kvTransfers } = context
      if (kvTransfers && ready.request.kvTransfer?.doRemotePrefill) receive(ready, kvTransfers)
      else new GenerateSink(context, ready, out).run()
    }
    // Another instance has prefilled: its blocks are taken first.
    const receive = (ready: GeneratePlan, transfers: KvTransfers): void => {
      const { signal } = call
      transfers
        .receive(ready.request, signal)
        .then(({ request }) => new GenerateSink(context, { ...ready, request }, out).run())
        .catch(error => signal.aborted || fail(error))
    }
    if (plan instanceof Promise) plan.then(run).catch(fail)
    else run(plan)
  } catch (error) {
    fail(error)
  }
}
