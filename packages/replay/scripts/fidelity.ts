import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { StepCost } from '@vllm-sim/latency'
import {
  type Calibration,
  calibrate,
  comparisonTable,
  modelConfig,
  profileOf,
  readMeasured,
  readTrace,
  replay,
  startValues,
  type Trace,
} from '@vllm-sim/replay'

/*
 * `fidelity DATA OUT [PROFILES]`: fits each measured run of DATA to its measured requests, writes the times of all its
 * requests as OUT/RUN.csv, and, fitted on the first 70 % of the measured requests, a profile as PROFILES/RUN.json.
 */

/** What the folder says of a run. */
interface Meta {
  readonly id: string
  readonly gpu: string
  readonly num_gpus: number
  readonly model: string
  readonly vllm_version: string
  readonly num_gpu_blocks: number | null
  readonly block_size: number
  readonly started_at: string
  readonly source: string
  readonly licence: string
  readonly engine_kwargs: {
    readonly tensor_parallel_size: number
    readonly data_parallel_size: number
    readonly enable_expert_parallel: boolean
    readonly max_num_seqs: number
    readonly max_num_batched_tokens: number
    readonly max_model_len: number | null
  }
}

/** What the `config.json` of each model has that matters. */
const models: Readonly<Record<string, object>> = {
  'meta-llama/Llama-3.1-8B': {
    ...{ hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 8 },
    ...{ intermediate_size: 14_336, vocab_size: 128_256 },
  },
  'Qwen/Qwen3-30B-A3B-Instruct-2507': {
    ...{ hidden_size: 2048, num_hidden_layers: 48, num_attention_heads: 32, num_key_value_heads: 4, head_dim: 128 },
    ...{
      intermediate_size: 6144,
      vocab_size: 151_936,
      num_experts: 128,
      num_experts_per_tok: 8,
      moe_intermediate_size: 768,
    },
  },
  'Qwen/Qwen3-32B': {
    ...{ hidden_size: 5120, num_hidden_layers: 64, num_attention_heads: 64, num_key_value_heads: 8, head_dim: 128 },
    ...{ intermediate_size: 25_600, vocab_size: 151_936 },
  },
}

/** Requests that are scheduled by one step have times closer than this, milliseconds. */
const sameStep = 2

const [data, out, profiles] = process.argv.slice(2)
if (!data || !out) {
  process.stderr.write('Usage: pnpm fidelity DATA OUT [PROFILES]\n')
  process.exit(2)
}
mkdirSync(out, { recursive: true })
for (const file of globSync('meta/*.json', { cwd: data }).toSorted()) run(JSON.parse(read(file)))

function read(file: string): string {
  return readFileSync(path.join(data!, file), 'utf8')
}

function run(meta: Meta): void {
  const { id } = meta
  const model = models[meta.model]
  if (!model) {
    process.stdout.write(`${id}: left out\n\n`)
    return
  }
  const reading = { blockSize: meta.block_size }
  const trace = readTrace(read(`workload/${id}.blocks.jsonl`), reading)
  const measured = readMeasured(read(`calib/${id}.csv`), trace, reading)
  const found = fitted(meta, model, measured, 0)
  const engine = { ...engineOf(meta), async: found.async, arrivalDelay: found.arrivalDelay }
  const { requests } = replay(trace, { engine: { ...engine, cost: new StepCost(found.coefficients) } })
  const lines = requests.map(({ firstTokenAt, lastTokenAt }, i) => `${i},${firstTokenAt / 1000},${lastTokenAt / 1000}`)
  writeFileSync(path.join(out!, `${id}.csv`), `i,first_token_s,last_token_s\n${lines.join('\n')}\n`)
  const together = scheduledTogether(
    measured.requests.map(one => one.scheduled),
    requests.map(one => one.startedAt),
  )
  process.stdout.write(`${id}, fitted on all measured requests\n${comparisonTable(found.fitted!)}`)
  process.stdout.write(`first scheduled with exactly those of reality: ${together}\n\n`)
  if (profiles) ship(meta, fitted(meta, model, measured, 0.3), profiles)
}

/** Of the measured requests, how many are first scheduled in one step with exactly those with which they really were. */
function scheduledTogether(real: readonly (number | undefined)[], simulated: readonly number[]): string {
  const measured = [...real.keys()].filter(at => real[at] !== undefined)
  const groups = (times: (at: number) => number) => {
    const order = measured.toSorted((a, b) => times(a) - times(b))
    const group = new Map<number, number[]>()
    for (const [place, at] of order.entries()) {
      const before = order[place - 1]
      const joins = before !== undefined && times(at) - times(before) < sameStep
      const members = joins ? group.get(before)! : []
      members.push(at)
      group.set(at, members)
    }
    return group
  }
  const [theirs, ours] = [groups(at => real[at]!), groups(at => simulated[at]!)]
  const equal = measured.filter(at => `${theirs.get(at)!.toSorted()}` === `${ours.get(at)!.toSorted()}`)
  return `${equal.length} of ${measured.length}`
}

function engineOf(meta: Meta) {
  const { engine_kwargs: kwargs } = meta
  return {
    blockSize: meta.block_size,
    ranks: kwargs.data_parallel_size,
    caching: true,
    async: true,
    maxNumSeqs: kwargs.max_num_seqs,
    maxNumBatchedTokens: kwargs.max_num_batched_tokens,
    maxModelLen: kwargs.max_model_len ?? 32_768,
    chunkedPrefill: true,
    longPrefillTokenThreshold: 0,
    policy: 'fcfs' as const,
    watermark: 0,
    reserveFullInput: true,
    maxLoras: 0,
    numBlocks: meta.num_gpu_blocks ?? 1_000_000,
  }
}

function fitted(meta: Meta, model: object, measured: Trace, holdout: number): Calibration {
  const { tensor_parallel_size: tensor, data_parallel_size: ranks, enable_expert_parallel: shared } = meta.engine_kwargs
  const parallel = { tensor, expert: shared ? ranks : 1 }
  const start = startValues(meta.gpu, modelConfig(model), parallel)
  return calibrate({ runs: [measured], engine: engineOf(meta), start, holdout })
}

function ship(meta: Meta, found: Calibration, folder: string): void {
  const { id, engine_kwargs: kwargs } = meta
  const profile = profileOf(
    id,
    found,
    {
      model: meta.model,
      gpu: meta.gpu,
      gpus: meta.num_gpus,
      vllm_version: meta.vllm_version,
      max_num_seqs: kwargs.max_num_seqs,
      max_num_batched_tokens: kwargs.max_num_batched_tokens,
      ...(meta.num_gpu_blocks === null ? undefined : { num_gpu_blocks: meta.num_gpu_blocks }),
      block_size: meta.block_size,
      tensor_parallel_size: kwargs.tensor_parallel_size,
      data_parallel_size: kwargs.data_parallel_size,
    },
    {
      source: meta.source,
      commit: /@(\w+)/.exec(meta.source)?.[1] ?? '',
      files: [`meta/${id}.json`, `workload/${id}.blocks.jsonl`, `calib/${id}.csv`],
      licence: meta.licence,
      date: meta.started_at,
      command: 'pnpm fidelity DATA OUT PROFILES',
    },
  )
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, `${id}.json`), `${JSON.stringify(profile, undefined, 2)}\n`)
}
