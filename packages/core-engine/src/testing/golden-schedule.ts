import { StepBlocks } from '../step/step-blocks.ts'
import { StepLoop } from '../step/step-loop.ts'
import { type StepBatch, StepRequest } from '../step/step-request.ts'
import { StepScheduler } from '../step/step-scheduler.ts'

/** A request of a workload; times in microseconds. */
interface WorkloadRequest {
  readonly at: number
  readonly prompt: readonly (readonly [stream: number, first: number, length: number])[]
  readonly max: number
  readonly eos?: number
  readonly prio?: number
  readonly lora?: number
  readonly abort?: number
  readonly accept?: readonly number[]
}

export interface Workload {
  readonly engine: {
    readonly max_num_seqs: number
    readonly max_num_batched_tokens: number
    readonly num_gpu_blocks: number
    readonly block_size: number
    readonly enable_chunked_prefill: boolean
    readonly long_prefill_token_threshold: number
    readonly scheduling_policy: 'fcfs' | 'priority'
    readonly enable_prefix_caching: boolean
    readonly async_scheduling: boolean
    readonly max_model_len: number
    readonly watermark: number
    readonly scheduler_reserve_full_isl: boolean
    readonly max_loras: number
    readonly num_speculative_tokens: number
    readonly num_lookahead_tokens: number
  }
  readonly cost: { readonly step: number; readonly token: number }
  readonly requests: readonly WorkloadRequest[]
}

type Pairs = (readonly (number | string)[])[]

/** One call of `schedule`, as the traces have it. */
interface Step {
  at: number
  begin: number | null
  end: number | null
  sched: Pairs
  new?: Pairs
  pre?: number[]
  draft?: Pairs
  s: number[]
  abort?: number[]
  out?: Pairs
  done?: Pairs
  u?: number[]
}

export interface GoldenTrace {
  readonly steps: readonly Step[]
  readonly requests: { readonly rows: readonly unknown[] }
}

/** Numbers for the contents of blocks. */
class BlockKeys {
  readonly blockSize: number
  readonly #known = new Map<string, number>()

  constructor(blockSize: number) {
    this.blockSize = blockSize
  }

  of(content: string): number {
    let key = this.#known.get(content)
    if (key === undefined) this.#known.set(content, (key = this.#known.size))
    return key
  }
}

class Row extends StepRequest {
  readonly #given: WorkloadRequest
  readonly #prompt: number[] = []
  readonly #contents: BlockKeys
  readonly #keys: number[] = []
  #verified = 0
  scheduledAt: number | null = null
  firstAt: number | null = null
  lastAt: number | null = null
  cached: number | undefined
  reason: string | null = null
  /** Tokens of the last step. */
  delivered = 0
  readonly #maxModelLen: number

  constructor(id: number, given: WorkloadRequest, contents: BlockKeys, maxModelLen: number) {
    const promptTokens = given.prompt.reduce((sum, [, , length]) => sum + length, 0)
    const { at: arrival, prio: priority = 0, lora = 0, max: maxTokens } = given
    super({ id, arrival, priority, lora, promptTokens, maxTokens })
    this.#given = given
    this.#contents = contents
    this.#maxModelLen = maxModelLen
    for (const [stream, first, length] of given.prompt) {
      for (let at = 0; at < length; at++) this.#prompt.push(stream * 65_536 + first + at)
    }
  }

  get abortAt(): number {
    return this.#given.abort ?? Number.POSITIVE_INFINITY
  }

  override key(index: number): number {
    const { blockSize } = this.#contents
    for (let at = this.#keys.length; at <= index; at++) {
      const parts = [at === 0 ? `lora ${this.lora}` : this.#keys[at - 1]]
      for (let i = at * blockSize; i < (at + 1) * blockSize; i++) parts.push(this.#token(i))
      this.#keys.push(this.#contents.of(parts.join(' ')))
    }
    return this.#keys[index]!
  }

  #token(position: number): number {
    const output = position - this.promptTokens
    if (output < 0) return this.#prompt[position]!
    return output + 1 === this.#given.eos ? 0 : (1_000_000 + this.id) * 65_536 + output
  }

  override accepted(drafts: number, padding: boolean): number {
    const { accept } = this.#given
    if (drafts === 0 || padding || !accept?.length) return 0
    return Math.min(accept[this.#verified++ % accept.length]!, drafts)
  }

  override deliver(most: number, now: number): number {
    this.firstAt ??= now
    this.lastAt = now
    for (this.delivered = 0; this.delivered < most && !this.over; ) {
      this.delivered++
      const tokens = this.tokens + this.delivered
      const count = tokens - this.promptTokens
      if (count === this.#given.eos) this.reason = 'stop'
      else if (count >= this.maxTokens || tokens >= this.#maxModelLen) this.reason = 'length'
      this.over = this.reason !== null
    }
    return this.delivered
  }

  override admitted(cached: number): boolean {
    this.cached ??= cached
    return true
  }

  override preempted(): void {}

  override refused(): void {}

  get columns(): unknown[] {
    const { scheduledAt, firstAt, lastAt, tokens, promptTokens, preemptions, cached, reason } = this
    return [scheduledAt, firstAt, lastAt, tokens - promptTokens, preemptions, cached ?? 0, reason]
  }
}

/** Runs a workload: what is composed when, and what comes of it. */
function runWorkload({ engine, cost, requests }: Workload): { steps: Step[]; rows: unknown[] } {
  const blocks = new StepBlocks(engine.num_gpu_blocks, engine.block_size, engine.enable_prefix_caching)
  const scheduler = new StepScheduler(
    {
      maxNumSeqs: engine.max_num_seqs,
      maxNumBatchedTokens: engine.max_num_batched_tokens,
      maxModelLen: engine.max_model_len,
      chunkedPrefill: engine.enable_chunked_prefill,
      longPrefillTokenThreshold: engine.long_prefill_token_threshold,
      policy: engine.scheduling_policy,
      watermark: engine.watermark,
      reserveFullInput: engine.scheduler_reserve_full_isl,
      maxLoras: engine.max_loras,
      numSpeculativeTokens: engine.num_speculative_tokens,
      numLookaheadTokens: engine.num_lookahead_tokens,
      numBlocks: engine.num_gpu_blocks,
    },
    blocks,
  )
  const contents = new BlockKeys(engine.block_size)
  const rows = requests.map((given, id) => new Row(id, given, contents, engine.max_model_len))
  const steps = new Map<StepBatch, Step>()
  const byEnd = new Map<number, Step>()
  const state = () => [blocks.free, scheduler.running.length, scheduler.waiting]
  let ended: Step | undefined
  const loop = new StepLoop(
    scheduler,
    {
      depth: engine.async_scheduling ? 2 : 1,
      arrivalDelay: 0,
      firstStep: 0,
      firstStepBlocks: false,
      duration: shape => cost.step + cost.token * shape.tokens,
    },
    {
      composed(batch, at, begin, end) {
        const step = composedStep(batch, at, begin, end, state())
        steps.set(batch, step)
        if (step.end !== null) byEnd.set(step.end, step)
        for (const { request } of batch.parts) rows[request.id]!.scheduledAt ??= at
      },
      ended(batch) {
        const step = steps.get(batch)!
        const out: [number, number][] = []
        const done: [number, string][] = []
        for (const { request } of batch.parts) {
          const row = rows[request.id]!
          if (row.delivered === 0) continue
          out.push([row.id, row.delivered])
          if (row.reason !== null) done.push([row.id, row.reason])
          row.delivered = 0
        }
        if (out.length > 0) step.out = out
        if (done.length > 0) step.done = done
        step.u = state()
      },
    },
  )
  for (const row of rows) loop.add(row)
  let before = Number.NEGATIVE_INFINITY
  while (loop.due < Number.POSITIVE_INFINITY) {
    const now = loop.due
    ended = byEnd.get(now) ?? ended
    abort(now, before)
    abort(now, now)
    before = now
    loop.run()
  }
  return { steps: [...steps.values()], rows: rows.map(row => row.columns) }

  function abort(now: number, arrived: number): void {
    const due = rows.filter(row => row.arrival <= arrived && row.abortAt <= now && row.status !== 'ended')
    for (const row of due.toSorted((a, b) => a.abortAt - b.abortAt || a.id - b.id)) {
      loop.end(row)
      row.reason = 'abort'
      if (ended) (ended.abort ??= []).push(row.id)
    }
  }
}

function composedStep(batch: StepBatch, at: number, begin: number, end: number, s: number[]): Step {
  const admitted = batch.admitted.map(({ request, cached }) => [request.id, cached, request.preemptions > 0 ? 1 : 0])
  const draft = batch.parts.flatMap(({ request, drafts }) => (drafts > 0 ? [[request.id, drafts]] : []))
  return {
    at,
    begin: Number.isNaN(begin) ? null : begin,
    end: Number.isNaN(end) ? null : end,
    sched: batch.parts.map(part => [part.request.id, part.tokens]),
    ...(admitted.length > 0 ? { new: admitted } : undefined),
    ...(batch.preempted.length > 0 ? { pre: batch.preempted.map(one => one.id) } : undefined),
    ...(draft.length > 0 ? { draft } : undefined),
    s,
  }
}

/** The first difference of what ran here from what vLLM did, or undefined. */
export function differenceFrom(trace: GoldenTrace, workload: Workload): string | undefined {
  const { steps, rows } = runWorkload(workload)
  return firstDifference(trace.steps, steps, 'step') ?? firstDifference(trace.requests.rows, rows, 'request')
}

/** Members of a step, in an order of their own. */
const members = ['at', 'begin', 'end', 'sched', 'new', 'pre', 'draft', 's', 'abort', 'out', 'done', 'u']

function firstDifference(expected: readonly unknown[], got: readonly unknown[], what: string): string | undefined {
  for (let at = 0; at < Math.max(expected.length, got.length); at++) {
    const [theirs, ours] = [JSON.stringify(expected[at], members), JSON.stringify(got[at], members)]
    if (theirs !== ours) return `${what} ${at}\n  vLLM ${theirs}\n  here ${ours}`
  }
  return undefined
}
