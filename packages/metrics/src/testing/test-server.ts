import {
  Engine,
  type GenerationRequest,
  type OutputSink,
  type RequestHandle,
  repeatMode,
  Timeline,
  Token,
  VirtualClock,
} from '@vllm-sim/core-engine'
import { createMetrics, type Metrics } from '../create-metrics.ts'
import type { MetricsOptions } from '../options.ts'

/** A real engine on a virtual clock with metrics on it. */
export interface TestServer {
  readonly clock: VirtualClock
  readonly engine: Engine
  readonly metrics: Metrics
  submit(request?: Partial<GenerationRequest> & { promptTokens?: number }): RequestHandle
  /** Value of the one sample whose text begins with `prefix` followed by a space. */
  value(prefix: string): Promise<number | undefined>
}

export interface TestServerOptions extends Partial<MetricsOptions> {
  readonly maxNumSeqs?: number
  /** Milliseconds. */
  readonly firstToken?: number
  /** Milliseconds. */
  readonly interToken?: number
}

const sink: OutputSink = { onTokens: () => true, onFinish: () => {} }

export function startTestServer(options: TestServerOptions = {}): TestServer {
  const { maxNumSeqs = 5, firstToken = 0, interToken = 0, ...rest } = options
  const clock = new VirtualClock()
  const metrics = createMetrics({
    clock,
    modelName: 'm',
    maxModelLen: 1024,
    maxLoras: 1,
    cacheConfig: { blockSize: 16, numGpuBlocks: 1024 },
    ...rest,
  })
  const engine = new Engine({
    timeline: new Timeline(clock),
    seed: 1,
    maxNumSeqs,
    maxWaiting: 1000,
    maxModelLen: rest.maxModelLen ?? 1024,
    maxLoras: rest.maxLoras ?? 1,
    latency: { firstToken: () => firstToken, interToken: () => interToken },
    text: repeatMode(new Token(1, 'x')),
    observers: [metrics.observer],
  })
  return {
    clock,
    engine,
    metrics,
    submit: ({ promptTokens = 1, ...request } = {}) =>
      engine.submit(
        {
          id: 'r',
          model: 'm',
          prompts: [{ tokenIds: new Array(promptTokens).fill(7) }],
          n: 1,
          limits: { maxTokens: 4, ignoreEos: true },
          arrival: clock.now(),
          ...request,
        },
        sink,
      ),
    async value(prefix) {
      const lines = (await metrics.render()).split('\n')
      const line = lines.find(text => text.startsWith(`${prefix} `))
      return line === undefined ? undefined : Number(line.slice(prefix.length + 1))
    },
  }
}
