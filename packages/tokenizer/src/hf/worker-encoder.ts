import { TokenizerError } from '../errors.ts'
import type { WorkerResponse, WorkerStart } from './encode-worker.ts'
import { sliceText } from './slices.ts'
import { EncodingWorker } from './worker.ts'

/** Texts that are encoded one after the other, each in its turn among those of other jobs. */
interface Job {
  readonly texts: readonly string[]
  readonly results: Uint32Array[]
  resolve(results: Uint32Array[]): void
  reject(error: unknown): void
}

/** After so many failed starts or crashes in a row no worker is tried again. */
const maxFailures = 3
/** Characters of a text from which on it may take longer than others should wait for. */
const longText = 65_536
/** The worker that takes every text, and one that is started when that is busy with a long text, for short ones. */
const workers = 2

/** What `WorkerEncoder` needs. */
export interface WorkerEncoderOptions {
  start: WorkerStart
  /** Texts may be cut by `sliceText`. */
  sliceable: boolean
  /** Encodes on this thread. */
  fallback: (text: string) => Uint32Array
  onWarning: (message: string) => void
  /** The workers' module, for programs that bundle this package. Default: the file beside this one. */
  script?: URL | undefined
}

/**
 * Encodes texts in worker threads that are started when there is something to do and keep a tokenizer of their own. Long texts are cut, and all callers have their turns, so nobody waits for another's megabytes.
 * When no worker can be started the work is done by `fallback`, on this thread: late is better than lost. What a worker dies
 * of is not tried again.
 */
export class WorkerEncoder {
  readonly #options: WorkerEncoderOptions
  /** Jobs that wait for their next turn. */
  readonly #waiting: Job[] = []
  readonly #workers: (EncodingWorker | undefined)[] = []
  /** What busy workers do; undefined when nobody wants it any more. */
  readonly #running = new Map<EncodingWorker, Job | undefined>()
  #failures = 0
  #closed = false

  constructor(options: WorkerEncoderOptions) {
    this.#options = options
  }

  /**
   * Ids of each text, without special tokens.
   * @param signal ends the work
   * @throws TokenizerError when the text cannot be encoded, or the encoder is closed meanwhile; the signal's reason
   */
  async encode(texts: readonly string[], signal?: AbortSignal): Promise<Uint32Array[]> {
    const slices = texts.map(text => (this.#options.sliceable ? sliceText(text) : [text]))
    const results = await this.#perform(slices.flat(), signal)
    let next = 0
    return slices.map(parts => concatenate(parts.map(() => results[next++]!)))
  }

  /** Ends the workers; calls under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    for (const job of [...this.#running.values(), ...this.#waiting]) job?.reject(closedError())
    this.#waiting.length = 0
    this.#running.clear()
    await Promise.all(this.#workers.splice(0).map(worker => worker?.end()))
  }

  async #perform(texts: readonly string[], signal?: AbortSignal): Promise<Uint32Array[]> {
    if (this.#closed) throw closedError()
    signal?.throwIfAborted()
    if (this.#failures >= maxFailures) return texts.map(this.#options.fallback)
    let abort: (() => void) | undefined
    try {
      return await new Promise((resolve, reject) => {
        const job: Job = { texts, results: [], resolve, reject }
        abort = () => this.#abort(job, signal!.reason)
        signal?.addEventListener('abort', abort)
        this.#waiting.push(job)
        this.#dispatch()
      })
    } finally {
      if (abort) signal?.removeEventListener('abort', abort)
    }
  }

  /** Gives work to whoever is free. */
  #dispatch(): void {
    for (let index = 0; index < workers; index++) {
      const worker = this.#workers[index]
      const next = index === 0 ? 0 : this.#waiting.findIndex(job => !isLong(job))
      if (next < 0 || !this.#waiting[next]) return
      if (!worker) {
        if (index === 0 || this.#isHeldUp()) this.#start(index)
      } else if (worker.isReady && !this.#running.has(worker)) {
        const [job] = this.#waiting.splice(next, 1)
        this.#running.set(worker, job!)
        worker.send(job!.texts[job!.results.length]!)
      }
    }
  }

  /** Whether the first worker is busy with something long. */
  #isHeldUp(): boolean {
    const job = this.#workers[0] && this.#running.get(this.#workers[0])
    return job !== undefined && isLong(job)
  }

  #start(index: number): void {
    const { start, script } = this.#options
    this.#workers[index] = new EncodingWorker(start, script, {
      onReady: () => this.#dispatch(),
      onAnswer: (worker, answer) => this.#receive(worker, answer),
      onLost: (worker, reason) => this.#lost(worker, reason),
    })
  }

  #receive(worker: EncodingWorker, answer: WorkerResponse): void {
    const job = this.#running.get(worker)
    this.#running.delete(worker)
    this.#failures = 0
    if ('error' in answer) job?.reject(new TokenizerError(answer.error, answer.code))
    else if (job) {
      job.results.push(answer.ids)
      if (job.results.length === job.texts.length) job.resolve(job.results)
      else this.#waiting.push(job)
    }
    this.#dispatch()
  }

  #abort(job: Job, reason: unknown): void {
    job.reject(reason)
    const at = this.#waiting.indexOf(job)
    if (at >= 0) this.#waiting.splice(at, 1)
    for (const [worker, running] of this.#running) {
      if (running !== job) continue
      // A short text is done sooner than a new worker has started; its answer is for nobody.
      if (isLong(job)) {
        this.#forget(worker)
        void worker.end()
      } else this.#running.set(worker, undefined)
    }
    this.#dispatch()
  }

  #lost(worker: EncodingWorker, reason: string): void {
    const job = this.#running.get(worker)
    this.#forget(worker)
    this.#failures++
    const next = this.#failures < maxFailures ? 'it is started again when needed' : 'it is not started again'
    const meanwhile = worker.isReady ? '' : ' long prompts block the server meanwhile,'
    this.#options.onWarning(`tokenizer worker thread failed: ${reason};${meanwhile} ${next}`)
    job?.reject(new TokenizerError(`the tokenizer failed: ${reason}`, 'internal'))
    if (worker.isReady && this.#failures < maxFailures) this.#dispatch()
    else for (const orphan of this.#waiting.splice(0)) this.#doHere(orphan)
  }

  #forget(worker: EncodingWorker): void {
    this.#running.delete(worker)
    this.#workers[this.#workers.indexOf(worker)] = undefined
  }

  #doHere({ texts, resolve, reject }: Job): void {
    try {
      resolve(texts.map(this.#options.fallback))
    } catch (error) {
      reject(error)
    }
  }
}

function isLong({ texts, results }: Job): boolean {
  return (texts[results.length]?.length ?? 0) > longText
}

function concatenate(parts: readonly Uint32Array[]): Uint32Array {
  if (parts.length === 1) return parts[0]!
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function closedError(): TokenizerError {
  return new TokenizerError('the tokenizer was closed', 'internal')
}
