import type { EngineObserver, GenerationRequest, ObservedSequence, Outcome } from '@vllm-sim/core-engine'
import type { Cells, Scalar } from './cells.ts'
import type { LoraInfo } from './lora-info.ts'
import { MultimodalCache } from './multimodal.ts'

/** Milliseconds in a second: the engine counts in the former, Prometheus in the latter. */
const second = 1000

/** Choices of one prompt that have not ended yet, and the longest of those that have. */
interface OpenChoices {
  left: number
  longest: number
  served: boolean
}

/**
 * Moves the metrics as the engine reports what happens. Everything is a write into a plain field or array; nothing is
 * allocated per token.
 */
export class MetricsObserver implements EngineObserver {
  readonly #cells: Cells
  readonly #lora: LoraInfo
  readonly #multimodal: MultimodalCache
  readonly #success: Readonly<Record<Outcome['finishReason'], Scalar>>
  readonly #waitingForCapacity: Scalar
  readonly #computed: Scalar
  readonly #cachedLocally: Scalar
  readonly #transferred: Scalar
  /** Sequences that ran before and wait again. */
  readonly #preempted = new Set<ObservedSequence>()
  /** Per request with several choices: what is open, by the position of the prompt. */
  readonly #open = new WeakMap<GenerationRequest, Map<number, OpenChoices>>()
  /** The wake-up whose tokens are being added up, and their number. */
  #stepAt = Number.NaN
  #stepTokens = 0
  /** Steps are told of: wake-ups are not taken for them. */
  #stepped = false

  constructor(cells: Cells, lora: LoraInfo) {
    this.#cells = cells
    this.#lora = lora
    this.#multimodal = new MultimodalCache(cells)
    const { success, waitingByReason, promptTokensBySource, sleepState } = cells
    this.#success = {
      stop: success.at('stop'),
      length: success.at('length'),
      tool_calls: success.at('tool_calls'),
      remote_decode: success.at('remote_decode'),
      cache_threshold: success.at('cache_threshold'),
      abort: success.at('abort'),
      error: success.at('error'),
    }
    this.#waitingForCapacity = waitingByReason.at('capacity')
    this.#computed = promptTokensBySource.at('local_compute')
    this.#cachedLocally = promptTokensBySource.at('local_cache_hit')
    this.#transferred = promptTokensBySource.at('external_kv_transfer')
    sleepState.at('awake').value = 1
  }

  onQueued(sequence: ObservedSequence): void {
    this.#moveWaiting(1)
    const { lora } = sequence.request
    if (lora !== undefined) this.#lora.queued(lora)
  }

  onStarted(sequence: ObservedSequence, now: number): void {
    const again = this.#preempted.delete(sequence)
    const waited = again || sequence.queuedAt >= 0
    if (waited) this.#moveWaiting(-1)
    this.#cells.running.value++
    const { lora, prompts, n } = sequence.request
    if (!again) {
      this.#cells.queueTime.observe((now - sequence.arrivedAt) / second)
      const features = prompts[Math.floor(sequence.index / n)]?.features
      if (features !== undefined && sequence.index % n === 0) this.#multimodal.look(features)
    }
    if (lora !== undefined) this.#lora.started(lora, waited)
  }

  onPreempted(sequence: ObservedSequence): void {
    this.#preempted.add(sequence)
    this.#cells.preemptions.value++
    this.#cells.running.value--
    this.#moveWaiting(1)
    const { lora } = sequence.request
    if (lora !== undefined) this.#lora.preempted(lora)
  }

  onTokens(sequence: ObservedSequence, count: number, now: number): void {
    const { interTokenLatency, generationTokens } = this.#cells
    if (now !== this.#stepAt) {
      this.settle()
      this.#stepAt = now
    }
    generationTokens.value += count
    this.#stepTokens += count
    const { firstTokenAt } = sequence
    let atOnce = count - 1
    if (sequence.generatedTokens > 0) {
      interTokenLatency.observe((now - sequence.lastTokenAt) / second)
    } else {
      this.#countFirstToken(sequence, firstTokenAt < 0 ? now : firstTokenAt)
      if (firstTokenAt >= 0 && atOnce > 0) {
        // The answer began earlier and its first tokens were held back, as the beginning of a stop string may be.
        interTokenLatency.observe((now - firstTokenAt) / second)
        atOnce--
      }
    }
    if (atOnce > 0) interTokenLatency.observeMany(0, atOnce)
  }

  onStep(tokens: number): void {
    this.#stepped = true
    this.#cells.stepTokens.observe(tokens)
  }

  onFinished(sequence: ObservedSequence, outcome: Outcome, now: number): void {
    const { request, startedAt } = sequence
    const neverRan = startedAt < 0
    const waiting = this.#preempted.delete(sequence) || (neverRan && sequence.queuedAt >= 0)
    if (waiting) this.#moveWaiting(-1)
    else if (!neverRan) this.#cells.running.value--
    if (request.lora !== undefined && (waiting || !neverRan)) this.#lora.finished(request.lora, waiting)

    if (outcome.finishReason === 'error') {
      // What the client is to blame for never reaches vLLM's engine, so it is no engine error there.
      if ((outcome.error?.status ?? 500) >= 500) this.#success.error.value++
      this.#closeChoice(sequence, 0, false)
      return
    }
    this.#success[outcome.finishReason].value++
    this.#observeTimes(sequence, now)
    this.#observeSizes(sequence, outcome)
    this.#closeChoice(sequence, outcome.completionTokens, true)
  }

  onPrefixLookup(queried: number, hit: number): void {
    this.#cells.prefixCacheQueries.value += queried
    this.#cells.prefixCacheHits.value += hit
  }

  onCacheUsage(usage: number): void {
    this.#cells.kvCacheUsage.value = usage
  }

  onSleep(sleeping: boolean, level: number): void {
    const { sleepState } = this.#cells
    sleepState.at('awake').value = sleeping ? 0 : 1
    sleepState.at('weights_offloaded').value = sleeping && level < 2 ? 1 : 0
    sleepState.at('discard_all').value = sleeping && level >= 2 ? 1 : 0
  }

  /** Counts the last wake-up, which is over when somebody looks at the metrics. */
  settle(): void {
    if (this.#stepTokens > 0 && !this.#stepped) this.#cells.stepTokens.observe(this.#stepTokens)
    this.#stepTokens = 0
  }

  #moveWaiting(by: 1 | -1): void {
    this.#cells.waiting.value += by
    this.#waitingForCapacity.value += by
  }

  /** @param at when the answer began, clock milliseconds */
  #countFirstToken(sequence: ObservedSequence, at: number): void {
    this.#cells.timeToFirstToken.observe((at - sequence.arrivedAt) / second)
    this.#cells.prefillTime.observe((at - sequence.startedAt) / second)
    this.#countPrompt(sequence)
    this.#stepTokens += sequence.promptTokens
  }

  #countPrompt({ promptTokens, cachedTokens, request }: ObservedSequence): void {
    const cells = this.#cells
    const rest = promptTokens - cachedTokens
    cells.promptTokens.value += promptTokens
    this.#cachedLocally.value += cachedTokens
    if (request.kvTransfer?.doRemotePrefill) {
      this.#transferred.value += rest
      cells.externalCacheQueries.value += rest
      cells.externalCacheHits.value += rest
      cells.promptTokensCached.value += promptTokens
    } else {
      this.#computed.value += rest
      cells.promptTokensCached.value += cachedTokens
    }
  }

  #observeTimes(sequence: ObservedSequence, now: number): void {
    const cells = this.#cells
    const { arrivedAt, startedAt, firstTokenAt, lastTokenAt, generatedTokens } = sequence
    cells.endToEnd.observe((now - arrivedAt) / second)
    if (startedAt < 0) {
      // Aborted in the queue: all its time was waiting.
      cells.queueTime.observe((now - arrivedAt) / second)
      return
    }
    cells.inferenceTime.observe((now - startedAt) / second)
    if (firstTokenAt < 0) return
    if (generatedTokens === 0) this.#countFirstToken(sequence, firstTokenAt)
    const decode = generatedTokens > 1 ? (lastTokenAt - firstTokenAt) / second : 0
    cells.decodeTime.observe(decode)
    cells.requestTimePerOutputToken.observe(generatedTokens > 1 ? decode / (generatedTokens - 1) : 0)
  }

  #observeSizes(sequence: ObservedSequence, outcome: Outcome): void {
    const cells = this.#cells
    const { request } = sequence
    const { promptTokens, cachedTokens, completionTokens, finishReason } = outcome
    const computed = request.kvTransfer?.doRemotePrefill ? 0 : promptTokens - cachedTokens
    cells.requestPromptTokens.observe(promptTokens)
    cells.requestComputedTokens.observe(computed)
    cells.requestGenerationTokens.observe(completionTokens)
    cells.maxGenerationTokens.observe(completionTokens)
    if (request.limits.maxTokens !== undefined) cells.requestParamsMaxTokens.observe(request.limits.maxTokens)
    // Served without a token (`cache_threshold`): the prompt was looked at all the same. Tokens that count but are never
    // handed out (the frame of a tool call) have not been counted yet either.
    if (sequence.firstTokenAt < 0 && finishReason !== 'abort') this.#countPrompt(sequence)
    const unannounced = completionTokens - sequence.generatedTokens
    if (unannounced > 0) cells.generationTokens.value += unannounced
  }

  /** Observes what belongs to a prompt with all its choices when the last of them has ended. */
  #closeChoice({ request, index }: ObservedSequence, completionTokens: number, served: boolean): void {
    const choices = this.#openChoices(request, index)
    choices.left--
    choices.longest = Math.max(choices.longest, completionTokens)
    choices.served ||= served
    if (choices.left > 0 || !choices.served) return
    this.#cells.requestMaxGenerationTokens.observe(choices.longest)
    this.#cells.requestParamsN.observe(request.n)
  }

  #openChoices(request: GenerationRequest, index: number): OpenChoices {
    if (request.n === 1) return { left: 1, longest: 0, served: false }
    let prompts = this.#open.get(request)
    if (!prompts) this.#open.set(request, (prompts = new Map()))
    const prompt = Math.floor(index / request.n)
    let choices = prompts.get(prompt)
    if (!choices) prompts.set(prompt, (choices = { left: request.n, longest: 0, served: false }))
    return choices
  }
}
