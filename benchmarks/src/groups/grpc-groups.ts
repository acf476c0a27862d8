import { pacedStep, unaryFigures } from './load-groups.ts'
import type { Group } from './sample.ts'
import { type Load, type Step, serverGroup } from './server-group.ts'

const firstToken = 50

/** Paced streams over gRPC on one connection, or over SSE, for the comparison. */
function streams(count: number, itl: number, seconds: number, mode: 'grpc-stream' | 'stream'): Step {
  const step = pacedStep(count, itl, seconds)
  return {
    ...step,
    title: `${mode === 'stream' ? 'SSE' : 'gRPC on one connection'}, ${step.title}`,
    load: { ...step.load, mode },
    warmBoth: mode === 'stream',
  }
}

const call: Load = { mode: 'grpc-unary', count: 32, tokens: 16 }

const unary = serverGroup('grpc-unary', 'gRPC calls that are not streamed', ({ seconds }) => [
  {
    setting: { ttft: 0, itl: 0 },
    withGrpc: true,
    warm: { ...call, seconds: 2 },
    steps: [
      { title: 'gRPC, 32 in flight on 4 connections, 16 tokens', load: { ...call, seconds }, shown: unaryFigures },
    ],
  },
])

const paced = serverGroup('grpc-paced', 'paced gRPC streams on one connection, beside our SSE', ({ seconds }) => [
  {
    setting: { ttft: firstToken, itl: 20 },
    withGrpc: true,
    warm: { mode: 'grpc-stream', count: 50, tokens: 20, ttft: firstToken, itl: 20, rounds: 3 },
    steps: [100, 1000].flatMap(count => [
      streams(count, 20, seconds, 'grpc-stream'),
      streams(count, 20, seconds, 'stream'),
    ]),
  },
])

export const grpcGroups: readonly Group[] = [unary, paced]
