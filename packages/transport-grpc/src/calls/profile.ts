import { Code, ConnectError } from '@connectrpc/connect'
import type { StartProfileRequest } from '../gen/smg/grpc/common/common_pb.ts'

const reason = 'this server has no profiler'

/** @throws ConnectError always: with vLLM's forms, for options that cannot be set and for a profiler that is not there */
export function startProfile(request: StartProfileRequest): never {
  const given = Object.entries({
    output_dir: request.outputDir !== undefined,
    start_step: request.startStep !== undefined,
    num_steps: request.numSteps !== undefined,
    activities: request.activities.length > 0,
    with_stack: request.withStack !== undefined,
    record_shapes: request.recordShapes !== undefined,
    profile_by_stage: request.profileByStage,
  }).flatMap(([name, set]) => (set ? [name] : []))
  if (given.length > 0) {
    const text = `StartProfile options ${given.join(', ')} cannot be set per request on this engine: ${reason}`
    throw new ConnectError(text, Code.InvalidArgument)
  }
  throw new ConnectError(`Start profiling failed: ${reason}`, Code.Internal)
}

/** @throws ConnectError always */
export function stopProfile(): never {
  throw new ConnectError(`Stop profiling failed: ${reason}`, Code.Internal)
}
