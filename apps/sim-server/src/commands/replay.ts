import { ConfigError, completeValues as complete, defineOptions, type Environment } from '@vllm-sim/config'
import type { EngineObserver } from '@vllm-sim/core-engine'
import { RealClock, StepCost, seededRandom, VirtualClock } from '@vllm-sim/latency'
import { createMetrics, type Metrics } from '@vllm-sim/metrics'
import {
  compare,
  comparisonTable,
  type Replay,
  type ReplayEngine,
  Report,
  readMeasured,
  readTrace,
  replay,
  requestTable,
  TokenTimes,
  type Trace,
  TraceError,
} from '@vllm-sim/replay'
import { print } from '@vllm-sim/service'
import { readStepProfile, type StepSettings, stepSettings, stepsError } from '../config/steps.ts'
import { completeValues, type Values } from '../config/values.ts'
import { replayEngine, replayOptions } from '../options/replay.ts'
import { steps } from '../options/steps.ts'
import { readCommandLine, readText, writeText } from './command.ts'
import { traceOf } from './trace-file.ts'

const table = defineOptions([replayOptions, steps, replayEngine])

const head = [
  'Usage: vllm-sim replay TRACE --step-profile PROFILE [OPTIONS]',
  'Runs the requests of a trace through the simulated engine, as fast as this computer can. TRACE is a file or - for',
  'standard input: JSON lines, Mooncake, BurstGPT, Azure, results of vllm bench serve, GuideLLM or AIPerf.',
]

/** @returns what to print @throws ConfigError or TraceError in one line */
export async function runReplay(argv: readonly string[], env: Environment): Promise<string> {
  const given = await readCommandLine(table, head, argv, env)
  if (given.help !== undefined) return given.help
  const [file, more] = given.words
  if (file === undefined) throw new ConfigError('name a trace: vllm-sim replay TRACE --step-profile PROFILE')
  if (more !== undefined) throw new ConfigError(`one trace at a time, not ${more} as well`)
  const own = complete<typeof replayOptions.options>(defineOptions([replayOptions]), given.values)
  const engineOf = engineReader(given.values)
  const trace = traceOf(file, text => readTrace(text, { blockSize: engineOf.blockSize, benchmark: own.benchmark }))
  const limit = own.limit ?? Number.POSITIVE_INFINITY
  const longest = trace.requests
    .slice(0, limit)
    .reduce((most, one) => Math.max(most, one.inputLength + one.outputLength), 1)
  const ranks = own.dataParallelSize ?? engineOf.settings.profile.engine.data_parallel_size ?? 1
  const engine = { ...engineOf.engine(longest), ranks }
  const metrics = own.metrics === '' ? undefined : metricsOf(engine)
  const times = new TokenTimes()
  const clock = new RealClock()
  const start = clock.now()
  const result = replay(trace, { engine, rate: own.rateScale, limit, observer: observerOf(metrics, times) })
  const real = (clock.now() - start) / 1000
  if (own.requests !== '') writeText(own.requests, requestTable(result.requests))
  if (metrics) writeText(own.metrics, await metrics.render())
  const report = new Report(result, times)
  const warnings = [...trace.warnings, ...remarks(trace, result, engineOf.settings)].map(line => `warning: ${line}\n`)
  print(2, warnings.join(''))
  const errors = own.compare === '' ? '' : comparison(own.compare, trace, result, engine)
  return report[own.format](real) + errors
}

/** The engine that the options ask for. */
function engineReader(given: ReadonlyMap<string, unknown>) {
  const word = given.get('step-profile')
  if (typeof word !== 'string') throw new ConfigError('a replay needs a --step-profile')
  const read = new Map(given).set('step-profile', readStepProfile(word, readText))
  const names = new Set(given.keys())
  const settingsOf = (values: Values): StepSettings => {
    const error = stepsError(values, names)
    if (error !== undefined) throw new ConfigError(error)
    return stepSettings(values, names)!
  }
  const first = settingsOf(completeValues(read))
  return {
    blockSize: first.blockSize,
    settings: first,
    /** @param longest request of the trace, in tokens: the context unless one was given */
    engine(longest: number): ReplayEngine {
      const values = completeValues(names.has('max-model-len') ? read : new Map(read).set('max-model-len', longest + 1))
      const settings = settingsOf(values)
      return {
        blockSize: settings.blockSize,
        caching: settings.caching,
        async: settings.async,
        arrivalDelay: settings.profile.arrival_ms,
        cost: new StepCost(settings.profile.cost, settings.deviation, seededRandom(Number(values.seed ?? 0), 'steps')),
        maxNumSeqs: settings.maxNumSeqs,
        maxNumBatchedTokens: settings.maxNumBatchedTokens,
        maxModelLen: values.maxModelLen,
        chunkedPrefill: values.enableChunkedPrefill,
        longPrefillTokenThreshold: values.longPrefillTokenThreshold,
        policy: values.schedulingPolicy,
        watermark: values.watermark,
        reserveFullInput: values.schedulerReserveFullIsl,
        maxLoras: 0,
        numBlocks: settings.numBlocks,
      }
    },
  }
}

function metricsOf({ blockSize, maxModelLen, numBlocks }: ReplayEngine): Metrics {
  return createMetrics({
    clock: new VirtualClock(),
    modelName: 'm',
    maxModelLen,
    maxLoras: 1,
    cacheConfig: { blockSize, numGpuBlocks: numBlocks },
  })
}

/** The metrics and the times between tokens as one observer. */
function observerOf(metrics: Metrics | undefined, times: TokenTimes): EngineObserver {
  const { observer } = metrics ?? {}
  return {
    onQueued: (...told) => observer?.onQueued?.(...told),
    onStarted: (...told) => observer?.onStarted?.(...told),
    onPreempted: (...told) => observer?.onPreempted?.(...told),
    onTokens(sequence, count, now) {
      observer?.onTokens?.(sequence, count, now)
      times.onTokens(sequence, count, now)
    },
    onFinished: (...told) => observer?.onFinished?.(...told),
    onStep: (...told) => observer?.onStep?.(...told),
    onPrefixLookup: (...told) => observer?.onPrefixLookup?.(...told),
    onCacheUsage: (...told) => observer?.onCacheUsage?.(...told),
  }
}

function comparison(file: string, trace: Trace, result: Replay, { blockSize }: ReplayEngine): string {
  const measured = traceOf(file, text => readMeasured(text, trace, { blockSize }))
  const errors = compare(result, measured)
  if (!errors) throw new TraceError(`${file}: it has no measured times of these requests`)
  return comparisonTable(errors)
}

function remarks(trace: Trace, { visited }: Replay, { profile }: StepSettings): string[] {
  const lines: string[] = []
  if (!trace.requests.some(({ hashIds }) => hashIds !== undefined)) {
    lines.push('the trace names no blocks: no prompts share any')
  }
  const fitted = profile.fit?.visited
  for (const name of ['tokens', 'decodes', 'context'] as const) {
    const range = fitted?.[name]
    if (!range || visited[name][1] <= range[1]) continue
    lines.push(`steps have up to ${visited[name][1]} ${name}, the profile was fitted on up to ${range[1]}`)
  }
  return lines
}
