import { StepBlocks } from '../step/step-blocks.ts'
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

  constructor(id: number, given: WorkloadRequest, contents: BlockKeys) {
    const promptTokens = given.prompt.reduce((sum, [, , length]) => sum + length, 0)
    const { at: arrival, prio: priority = 0, lora = 0, max: maxTokens } = given
    super({ id, arrival, priority, lora, promptTokens, maxTokens })
    this.#given = given
    this.#contents = contents
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

  override stopsAt(count: number): boolean {
    return count === this.#given.eos
  }

  get columns(): unknown[] {
    const { scheduledAt, firstAt, lastAt, tokens, promptTokens, preemptions, cached, reason } = this
    return [scheduledAt, firstAt, lastAt, tokens - promptTokens, preemptions, cached ?? 0, reason]
  }
}

/** Runs a workload on a clock of its own: what is composed when, and what comes of it. */
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
  const rows = requests.map((given, id) => new Row(id, given, contents))
  const depth = engine.async_scheduling ? 2 : 1
  const steps: Step[] = []
  const inFlight: { batch: StepBatch; step: Step; end: number }[] = []
  let taken = 0
  let ended: Step | undefined
  let lastEnd = 0
  const state = () => [blocks.free, scheduler.running.length, scheduler.waiting.length]
  const abort = (until: number) => {
    const due = rows.slice(0, taken).filter(row => row.abortAt <= until && row.status !== 'ended')
    for (const row of due.toSorted((a, b) => a.abortAt - b.abortAt || a.id - b.id)) {
      scheduler.end(row)
      row.reason = 'abort'
      if (ended) (ended.abort ??= []).push(row.id)
    }
  }
  for (let now = rows[0]?.arrival ?? 0; ; ) {
    const oldest = inFlight[0]?.end === now ? inFlight.shift() : undefined
    if (oldest) ended = oldest.step
    abort(now)
    if (oldest) deliver(oldest.batch, oldest.step)
    while (taken < rows.length && rows[taken]!.arrival <= now) scheduler.add(rows[taken++]!)
    abort(now)
    let again = true
    while (again && inFlight.length < depth && scheduler.running.length + scheduler.waiting.length > 0) {
      again = compose(now)
    }
    if (inFlight.length > 0) now = inFlight[0]!.end
    else if (taken < rows.length) now = rows[taken]!.arrival
    else return { steps, rows: rows.map(row => row.columns) }
  }

  /** @returns whether the batch has tokens */
  function compose(now: number): boolean {
    const batch = scheduler.schedule()
    const tokens = batch.parts.reduce((sum, part) => sum + part.tokens, 0)
    if (tokens === 0 && batch.preempted.length === 0) return false
    const begin = tokens > 0 ? Math.max(lastEnd, now) : null
    const end = begin === null ? null : begin + cost.step + cost.token * tokens
    const admitted = batch.admitted.map(({ request, cached }) => [request.id, cached, request.preemptions > 0 ? 1 : 0])
    const draft = batch.parts.flatMap(({ request, drafts }) => (drafts > 0 ? [[request.id, drafts]] : []))
    const step: Step = {
      at: now,
      begin,
      end,
      sched: batch.parts.map(part => [part.request.id, part.tokens]),
      ...(admitted.length > 0 ? { new: admitted } : undefined),
      ...(batch.preempted.length > 0 ? { pre: batch.preempted.map(one => one.id) } : undefined),
      ...(draft.length > 0 ? { draft } : undefined),
      s: state(),
    }
    steps.push(step)
    for (const { request, cached } of batch.admitted) rows[request.id]!.cached ??= cached
    for (const { request } of batch.parts) rows[request.id]!.scheduledAt ??= now
    if (end === null) return false
    lastEnd = end
    inFlight.push({ batch, step, end })
    return true
  }

  function deliver(batch: StepBatch, step: Step): void {
    const outputs = scheduler.update(batch)
    if (outputs.length > 0) step.out = outputs.map(one => [one.request.id, one.tokens])
    const done = outputs.filter(one => one.ended)
    if (done.length > 0) step.done = done.map(one => [one.request.id, one.ended!])
    for (const { request, ended: reason } of outputs) {
      const row = rows[request.id]!
      row.firstAt ??= step.end
      row.lastAt = step.end
      row.reason = reason ?? row.reason
    }
    step.u = state()
  }
}

/** The first difference of what ran here from what vLLM did, or undefined. */
export function differenceFrom(trace: GoldenTrace, workload: Workload): string | undefined {
  const { steps, rows } = runWorkload(workload)
  return firstDifference(trace.steps, steps, 'step') ?? firstDifference(trace.requests.rows, rows, 'request')
}

function firstDifference(expected: readonly unknown[], got: readonly unknown[], what: string): string | undefined {
  for (let at = 0; at < Math.max(expected.length, got.length); at++) {
    const [theirs, ours] = [JSON.stringify(expected[at]), JSON.stringify(got[at])]
    if (theirs !== ours) return `${what} ${at}\n  vLLM ${theirs}\n  here ${ours}`
  }
  return undefined
}
