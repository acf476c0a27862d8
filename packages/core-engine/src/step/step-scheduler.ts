import { StepShape } from '@vllm-sim/latency'
import type { BlockOwner, StepBlocks } from './step-blocks.ts'
import type { StepBatch, StepPart, StepRequest } from './step-request.ts'
import { ArrivalQueue, PriorityQueue, type WaitingQueue } from './waiting-queue.ts'

/** vLLM's options, lengths in tokens. */
export interface StepSchedulerOptions {
  readonly maxNumSeqs: number
  readonly maxNumBatchedTokens: number
  readonly maxModelLen: number
  readonly chunkedPrefill: boolean
  /** 0: none. */
  readonly longPrefillTokenThreshold: number
  readonly policy: 'fcfs' | 'priority'
  /** Share of all blocks that admission leaves free. */
  readonly watermark: number
  readonly reserveFullInput: boolean
  /** Adapters that run at the same time; 0: any number. */
  readonly maxLoras: number
  readonly numSpeculativeTokens: number
  readonly numLookaheadTokens: number
  /** Including the one that is never used. */
  readonly numBlocks: number
}

/** What the loop of the engine asks of a scheduler, or of several. */
export interface LoopedScheduler {
  /** Those that run. */
  readonly running: { readonly length: number }
  /** How many wait, preempted ones included. */
  readonly waiting: number
  /** Who is to be admitted next. */
  readonly head: StepRequest | undefined
  readonly blocks: { readonly free: number; readonly usable: number }
  add(request: StepRequest): void
  schedule(): StepBatch
  /**
   * What a step brought of one of its requests, delivered at its end.
   * @returns tokens delivered, the prompt's included with the first of them
   */
  update(part: StepPart, now: number): number
  /** Takes a request out; what is in flight for it is ignored. */
  end(request: StepRequest): void
}

/** The scheduler of vLLM's V1 engine: which tokens of which requests the next step computes. It knows no time. */
export class StepScheduler implements LoopedScheduler {
  readonly blocks: StepBlocks
  readonly running: StepRequest[] = []
  readonly #options: StepSchedulerOptions
  readonly #waiting: WaitingQueue
  /** Running requests of each adapter. */
  readonly #loras = new Map<number, number>()

  constructor(options: StepSchedulerOptions, blocks: StepBlocks) {
    this.#options = options
    this.blocks = blocks
    this.#waiting = options.policy === 'fcfs' ? new ArrivalQueue() : new PriorityQueue()
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get head(): StepRequest | undefined {
    return this.#waiting.first
  }

  add(request: StepRequest): void {
    this.#waiting.push(request)
  }

  schedule(): StepBatch {
    const batch: StepBatch = { parts: [], admitted: [], preempted: [], shape: new StepShape() }
    const { maxNumBatchedTokens, longPrefillTokenThreshold, numSpeculativeTokens } = this.#options
    const alone = this.running.length + this.waiting === 1
    const threshold = alone || longPrefillTokenThreshold === 0 ? Number.POSITIVE_INFINITY : longPrefillTokenThreshold
    // Only drafts ask for it.
    const prefilling = numSpeculativeTokens > 0 && this.running.some(one => one.computed < one.promptTokens)
    const budget = this.#continue(batch, maxNumBatchedTokens, threshold)
    if (batch.preempted.length === 0 && this.waiting > 0) this.#admit(batch, budget, threshold, prefilling)
    for (const part of batch.parts) this.#commit(part, batch.shape)
    return batch
  }

  update(part: StepPart, now: number): number {
    const { request, drafts } = part
    if (request.status === 'ended') return 0
    const stale = part.epoch !== request.epoch
    if (!stale) request.inFlight -= part.tokens
    if (!part.emits) return 0
    const { maxModelLen } = this.#options
    const accepted = drafts === 0 ? 0 : request.accepted(drafts, part.padding)
    const first = request.tokens === request.promptTokens ? request.promptTokens : 0
    const delivered = request.deliver(Math.min(1 + accepted, maxModelLen - request.tokens), now)
    request.tokens += delivered
    if (!stale) {
      request.placeholders -= 1 + drafts
      request.computed -= drafts - (delivered - 1)
      this.blocks.register(request, Math.min(request.computed - request.inFlight, request.knownTokens))
    }
    if (request.over || request.tokens >= maxModelLen) this.end(request)
    return first + delivered
  }

  end(request: StepRequest): void {
    if (request.status === 'ended') return
    if (request.status === 'running') {
      this.running.splice(this.running.indexOf(request), 1)
      this.#leave(request)
    } else this.#waiting.remove(request)
    request.status = 'ended'
    this.blocks.release(request)
  }

  /** Running requests, in their order. @returns the tokens that are left of the budget */
  #continue(batch: StepBatch, given: number, threshold: number): number {
    const { maxModelLen, numLookaheadTokens, policy } = this.#options
    const { running } = this
    let budget = given
    for (let at = 0; at < running.length && budget > 0; at++) {
      const request = running[at]!
      const { computed, placeholders, tokens } = request
      if (placeholders > 0 && computed + 2 - placeholders >= request.promptTokens + request.maxTokens) continue
      const wanted = tokens + placeholders + request.drafts - computed
      const count = Math.min(wanted, threshold, budget, maxModelLen - 1 - computed)
      if (count <= 0) continue
      const room = Math.min(computed + count + numLookaheadTokens, maxModelLen)
      while (request.status === 'running' && !this.blocks.grow(request, room)) {
        const victim = this.#victim()
        const index = running.indexOf(victim)
        running.splice(index, 1)
        if (index <= at) at--
        const undone = batch.parts.findIndex(part => part.request === victim)
        if (undone >= 0) budget += batch.parts.splice(undone, 1)[0]!.tokens
        this.#preempt(victim)
        batch.preempted.push(victim)
      }
      if (request.status !== 'running') {
        if (policy === 'fcfs') break
        continue
      }
      budget -= count
      this.#take(batch, request, count, false)
    }
    return budget
  }

  #admit(batch: StepBatch, given: number, threshold: number, prefilling: boolean): void {
    const { chunkedPrefill, maxLoras, maxModelLen, maxNumSeqs, numLookaheadTokens, numSpeculativeTokens } =
      this.#options
    const continued = batch.parts.length > 0
    const aside: StepRequest[] = []
    let budget = given
    while (this.waiting > 0 && budget > 0 && this.running.length < maxNumSeqs) {
      const request = this.#waiting.first!
      const { lora } = request
      if (maxLoras > 0 && lora > 0 && this.#loras.size >= maxLoras && !this.#loras.has(lora)) {
        this.#waiting.remove(request)
        aside.push(request)
        continue
      }
      const hits = this.blocks.hits(request, request.tokens - 1)
      const cached = hits.length * this.blocks.blockSize
      let count = request.tokens - cached
      const padding =
        numSpeculativeTokens > 0 &&
        count === 1 &&
        !prefilling &&
        (continued || cached > 0) &&
        cached + numSpeculativeTokens + 2 <= maxModelLen
      if (padding) {
        count += numSpeculativeTokens
        if (count > budget) break
      }
      count = Math.min(count, threshold)
      if (!chunkedPrefill && count > budget) break
      count = Math.min(count, budget)
      const room = cached + count + numLookaheadTokens
      if (!this.#hasRoom(request, hits, room)) break
      this.#waiting.remove(request)
      this.blocks.reference(request, hits)
      request.computed = cached
      this.blocks.grow(request, Math.min(room, maxModelLen))
      request.status = 'running'
      this.running.push(request)
      if (lora > 0) this.#loras.set(lora, (this.#loras.get(lora) ?? 0) + 1)
      batch.admitted.push({ request, cached })
      budget -= count
      this.#take(batch, request, count, padding)
    }
    for (const request of aside.reverse()) this.#waiting.prepend(request)
  }

  #hasRoom(request: StepRequest, hits: readonly BlockOwner['blocks'][number][], tokens: number): boolean {
    const { maxModelLen, numBlocks, reserveFullInput, watermark } = this.#options
    const { blockSize, free } = this.blocks
    let unused = 0
    for (const block of hits) if (block.references === 0) unused++
    const kept = this.running.length > 0 ? Math.floor(watermark * numBlocks) : 0
    const need = (count: number) => Math.ceil(Math.min(count, maxModelLen) / blockSize) - hits.length + unused + kept
    return need(tokens) <= free && (!reserveFullInput || need(request.tokens) <= free)
  }

  #victim(): StepRequest {
    if (this.#options.policy === 'fcfs') return this.running.at(-1)!
    return this.running.reduce((worst, one) =>
      one.priority > worst.priority || (one.priority === worst.priority && one.arrival > worst.arrival) ? one : worst,
    )
  }

  #take(batch: StepBatch, request: StepRequest, tokens: number, padding: boolean): void {
    batch.parts.push({ request, tokens, epoch: request.epoch, padding, drafts: 0, emits: false })
    this.blocks.register(request, Math.min(request.computed + tokens, request.knownTokens))
  }

  #commit(part: StepPart, shape: StepShape): void {
    const { request, tokens } = part
    const { numSpeculativeTokens } = this.#options
    const { computed } = request
    if (computed >= request.promptTokens && tokens <= 1 + numSpeculativeTokens) shape.decode(tokens, computed)
    else shape.prefill(tokens, computed)
    part.drafts = Math.max(0, computed + tokens - request.tokens - request.placeholders)
    request.computed = computed + tokens
    request.inFlight += tokens
    part.emits = request.computed >= request.tokens + request.placeholders
    if (part.emits) request.placeholders += 1 + part.drafts
    request.drafts = part.emits ? numSpeculativeTokens : 0
  }

  #preempt(request: StepRequest): void {
    this.#leave(request)
    this.blocks.release(request)
    request.computed = 0
    request.placeholders = 0
    request.inFlight = 0
    request.drafts = 0
    request.epoch++
    request.preemptions++
    request.status = 'waiting'
    this.#waiting.prepend(request)
  }

  #leave({ lora }: StepRequest): void {
    if (lora === 0) return
    const left = this.#loras.get(lora)! - 1
    if (left > 0) this.#loras.set(lora, left)
    else this.#loras.delete(lora)
  }
}
