import path from 'node:path'
import { ConfigError, completeValues as complete, defineOptions, type Environment, reasonOf } from '@vllm-sim/config'
import type { StepCoefficients } from '@vllm-sim/latency'
import {
  type Calibration,
  calibrate,
  comparisonTable,
  modelConfig,
  profileOf,
  readMeasured,
  readTrace,
  startValues,
  type Trace,
} from '@vllm-sim/replay'
import { print } from '@vllm-sim/service'
import { readStepProfile } from '../config/steps.ts'
import { completeValues } from '../config/values.ts'
import { calibrateOptions } from '../options/calibrate.ts'
import { replayEngine } from '../options/replay.ts'
import { steps } from '../options/steps.ts'
import { readCommandLine, readText, writeText } from './command.ts'
import { textOf, traceOf } from './trace-file.ts'

const own = defineOptions([calibrateOptions])
const { 'step-profile': _, 'step-time-std-dev': __, ...engineSteps } = steps.options
const table = defineOptions([calibrateOptions, { title: steps.title, options: engineSteps }, replayEngine])

const head = [
  'Usage: vllm-sim calibrate RUN... --gpu NAME --model-config config.json -o profile.json [OPTIONS]',
  'Fits a step profile to measured runs of a real server: results of vllm bench serve, GuideLLM or AIPerf, or traces with',
  'measured times. The options of the engine are those that the server had.',
]

/** vLLM's defaults on a GPU with less than 70 GB; a cache that nobody measured is never full. */
const defaults = { maxNumSeqs: 256, maxNumBatchedTokens: 2048, numBlocks: 1_000_000 } as const

/** @returns what to print @throws ConfigError or TraceError in one line */
export async function runCalibration(argv: readonly string[], env: Environment): Promise<string> {
  const given = await readCommandLine(table, head, argv, env)
  if (given.help !== undefined) return given.help
  const { words: files } = given
  if (files.length === 0) throw new ConfigError('name a measured run: vllm-sim calibrate RUN... -o profile.json')
  const options = complete<typeof calibrateOptions.options>(own, given.values)
  if (options.output === undefined) throw new ConfigError('name a file for the profile: -o profile.json')
  const values = completeValues(given.values)
  const engine = {
    blockSize: values.blockSize,
    caching: given.values.has('enable-prefix-caching') ? values.enablePrefixCaching : true,
    async: values.asyncScheduling,
    maxNumSeqs: given.values.has('max-num-seqs') ? values.maxNumSeqs : defaults.maxNumSeqs,
    maxNumBatchedTokens: values.maxNumBatchedTokens ?? defaults.maxNumBatchedTokens,
    chunkedPrefill: values.enableChunkedPrefill,
    longPrefillTokenThreshold: values.longPrefillTokenThreshold,
    policy: values.schedulingPolicy,
    watermark: values.watermark,
    reserveFullInput: values.schedulerReserveFullIsl,
    maxLoras: 0,
    numBlocks: values.numGpuBlocksOverride ?? defaults.numBlocks,
    ranks: options.dataParallelSize,
  }
  const runs = files.map(file => runOf(file, engine.blockSize, options))
  const longest = runs.reduce(
    (most, { requests }) => requests.reduce((max, one) => Math.max(max, one.inputLength + one.outputLength), most),
    0,
  )
  const start = startOf(options)
  const found = calibrate({ runs, engine: { ...engine, maxModelLen: longest + 1 }, start, holdout: options.holdout })
  const name = options.name === '' ? path.basename(options.output, '.json') : options.name
  const profile = profileOf(
    name,
    found,
    {
      ...(options.gpu === '' ? undefined : { gpu: options.gpu }),
      max_num_seqs: engine.maxNumSeqs,
      max_num_batched_tokens: engine.maxNumBatchedTokens,
      block_size: engine.blockSize,
      tensor_parallel_size: options.tensorParallelSize,
      data_parallel_size: options.dataParallelSize,
      ...(values.numGpuBlocksOverride === undefined ? undefined : { num_gpu_blocks: values.numGpuBlocksOverride }),
    },
    { files: files.map(file => path.basename(file)), command: `vllm-sim calibrate ${argv.join(' ')}`.slice(0, 4096) },
  )
  writeText(options.output, `${JSON.stringify(profile, undefined, 2)}\n`)
  print(2, runs.flatMap(({ warnings }) => warnings.map(line => `warning: ${line}\n`)).join(''))
  return summary(found)
}

type Options = ReturnType<typeof complete<typeof calibrateOptions.options>>

function runOf(file: string, blockSize: number, { benchmark, blocks, measured }: Options): Trace {
  const reading = { blockSize, benchmark }
  const trace = traceOf(file, text => readTrace(text, reading))
  const timed = measured === '' ? trace : traceOf(measured, text => readMeasured(text, trace, reading))
  if (blocks === '') return timed
  const named = traceOf(blocks, text => readTrace(text, reading))
  const requests = timed.requests.map((request, at) => ({ ...request, hashIds: named.requests[at]?.hashIds }))
  return { ...timed, requests, hashBlockSize: named.hashBlockSize }
}

function startOf({
  gpu,
  modelConfig: config,
  start,
  tensorParallelSize: tensor,
  dataParallelSize,
}: Options): StepCoefficients {
  if (start !== '') return readStepProfile(start, readText).cost
  if (gpu === '' || config === '') throw new ConfigError('give --gpu and --model-config, or a profile to --start from')
  let parsed: unknown
  try {
    parsed = JSON.parse(textOf(config))
  } catch (error) {
    throw new ConfigError(`${config}: ${reasonOf(error)}`)
  }
  return startValues(gpu, modelConfig(parsed), { tensor, expert: dataParallelSize })
}

function summary({ coefficients, fit, async, fitted, heldOut }: Calibration): string {
  const lines = ['coefficient              value        sd  source']
  for (const [name, { sd, source }] of Object.entries(fit.coefficients)) {
    const value = coefficients[name as keyof StepCoefficients] as number
    const cells = [
      name.padEnd(20),
      value.toFixed(3).padStart(10),
      `${(sd * 100).toFixed(0)} %`.padStart(10),
      '  ',
      source,
    ]
    lines.push(cells.join(''))
  }
  const { tokens, decodes, context } = fit.visited
  lines.push(
    `first step ${(coefficients.first_step_ms ?? 0).toFixed(0)} ms longer, asynchronous scheduling ${async ? 'on' : 'off'}`,
  )
  lines.push(
    `steps of ${tokens.join(' to ')} tokens, ${decodes.join(' to ')} decodes, ${context.join(' to ')} tokens of context`,
  )
  lines.push('Fitted on:', fitted ? comparisonTable(fitted).trimEnd() : 'nothing')
  lines.push('Held out:', heldOut ? comparisonTable(heldOut).trimEnd() : 'nothing')
  return `${lines.join('\n')}\n`
}
