import type { BlockOwner, StepBlocks } from './step-blocks.ts'
import type { StepBatch, StepOutput, StepPart, StepRequest } from './step-request.ts'

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

/** The scheduler of vLLM's V1 engine: which tokens of which requests the next step computes. It knows no time. */
export class StepScheduler {
  readonly #options: StepSchedulerOptions
  readonly #blocks: StepBlocks
  readonly running: StepRequest[] = []
  readonly waiting: StepRequest[] = []

  constructor(options: StepSchedulerOptions, blocks: StepBlocks) {
    this.#options = options
    this.#blocks = blocks
  }

  add(request: StepRequest): void {
    this.waiting.push(request)
  }

  schedule(): StepBatch {
    const batch: StepBatch = { parts: [], admitted: [], preempted: [] }
    const { maxNumBatchedTokens, longPrefillTokenThreshold } = this.#options
    const alone = this.running.length + this.waiting.length === 1
    const threshold = alone || longPrefillTokenThreshold === 0 ? Number.POSITIVE_INFINITY : longPrefillTokenThreshold
    const prefilling = this.running.some(one => one.computed < one.promptTokens)
    const budget = this.#continue(batch, maxNumBatchedTokens, threshold)
    if (batch.preempted.length === 0) this.#admit(batch, budget, threshold, prefilling)
    for (const part of batch.parts) this.#commit(part)
    return batch
  }

  /** What a step brought. */
  update(batch: StepBatch): StepOutput[] {
    const outputs: StepOutput[] = []
    for (const part of batch.parts) {
      const { request, drafts } = part
      if (request.status === 'ended') continue
      const stale = part.epoch !== request.epoch
      if (!stale) request.inFlight -= part.tokens
      if (!part.emits) continue
      const accepted = request.accepted(drafts, part.padding)
      let ended: StepOutput['ended']
      let delivered = 0
      while (delivered <= accepted && !ended) {
        delivered++
        request.tokens++
        const count = request.tokens - request.promptTokens
        if (request.stopsAt(count)) ended = 'stop'
        else if (count >= request.maxTokens || request.tokens >= this.#options.maxModelLen) ended = 'length'
      }
      if (!stale) {
        request.placeholders -= 1 + drafts
        request.computed -= drafts - (delivered - 1)
        this.#blocks.register(request, Math.min(request.computed - request.inFlight, request.tokens))
      }
      outputs.push({ request, tokens: delivered, ended })
      if (ended) this.end(request)
    }
    return outputs
  }

  /** Takes a request out; what is in flight for it is ignored. */
  end(request: StepRequest): void {
    if (request.status === 'ended') return
    const list = request.status === 'running' ? this.running : this.waiting
    list.splice(list.indexOf(request), 1)
    request.status = 'ended'
    this.#blocks.release(request)
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
      while (request.status === 'running' && !this.#blocks.grow(request, room)) {
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
    while (this.waiting.length > 0 && budget > 0 && this.running.length < maxNumSeqs) {
      const request = this.#head()
      if (maxLoras > 0 && request.lora > 0 && this.#lorasWithout(request.lora) >= maxLoras) {
        this.waiting.splice(this.waiting.indexOf(request), 1)
        aside.push(request)
        continue
      }
      const hits = this.#blocks.hits(request, request.tokens - 1)
      const cached = hits.length * this.#blocks.blockSize
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
      this.waiting.splice(this.waiting.indexOf(request), 1)
      this.#blocks.reference(request, hits)
      request.computed = cached
      this.#blocks.grow(request, Math.min(room, maxModelLen))
      request.status = 'running'
      this.running.push(request)
      batch.admitted.push({ request, cached })
      budget -= count
      this.#take(batch, request, count, padding)
    }
    this.waiting.unshift(...aside)
  }

  #hasRoom(request: StepRequest, hits: readonly BlockOwner['blocks'][number][], tokens: number): boolean {
    const { maxModelLen, numBlocks, reserveFullInput, watermark } = this.#options
    const { blockSize, free } = this.#blocks
    const unused = hits.filter(block => block.references === 0).length
    const kept = this.running.length > 0 ? Math.floor(watermark * numBlocks) : 0
    const need = (count: number) => Math.ceil(Math.min(count, maxModelLen) / blockSize) - hits.length + unused + kept
    return need(tokens) <= free && (!reserveFullInput || need(request.tokens) <= free)
  }

  #lorasWithout(lora: number): number {
    const used = new Set(this.running.map(one => one.lora))
    used.delete(0)
    return used.has(lora) ? 0 : used.size
  }

  #head(): StepRequest {
    if (this.#options.policy === 'fcfs') return this.waiting[0]!
    return this.waiting.reduce((best, one) => (before(one, best) ? one : best))
  }

  #victim(): StepRequest {
    if (this.#options.policy === 'fcfs') return this.running.at(-1)!
    return this.running.reduce((worst, one) =>
      one.priority > worst.priority || (one.priority === worst.priority && one.arrival > worst.arrival) ? one : worst,
    )
  }

  #take(batch: StepBatch, request: StepRequest, tokens: number, padding: boolean): void {
    batch.parts.push({ request, tokens, epoch: request.epoch, padding, drafts: 0, emits: false })
    this.#blocks.register(request, Math.min(request.computed + tokens, request.tokens))
  }

  #commit(part: StepPart): void {
    const { request } = part
    part.drafts = Math.max(0, request.computed + part.tokens - request.tokens - request.placeholders)
    request.computed += part.tokens
    request.inFlight += part.tokens
    part.emits = request.computed >= request.tokens + request.placeholders
    if (part.emits) request.placeholders += 1 + part.drafts
    request.drafts = part.emits ? this.#options.numSpeculativeTokens : 0
  }

  #preempt(request: StepRequest): void {
    this.#blocks.release(request)
    request.computed = 0
    request.placeholders = 0
    request.inFlight = 0
    request.drafts = 0
    request.epoch++
    request.preemptions++
    request.status = 'waiting'
    this.waiting.unshift(request)
  }
}

function before(a: StepRequest, b: StepRequest): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority
  return a.arrival !== b.arrival ? a.arrival < b.arrival : a.id < b.id
}
