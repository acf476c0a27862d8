import type { Worker } from 'node:worker_threads'
import { TokenizerError } from '../errors.ts'
import type { Cancel, ChatRender } from '../types.ts'
import type { SandboxAnswer, SandboxStart } from './sandbox-worker.ts'

/** Settings of `TemplateSandbox`. */
export interface SandboxOptions {
  renderer: SandboxStart['renderer']
  /** Longest time that one conversation may take, in milliseconds. Default 2,000. */
  timeLimitMs?: number
  /** Most memory of the worker, in MiB. Default 128. */
  memoryLimitMb?: number
  /** Longest prompt, in characters. Default 16 Mi. */
  mostCharacters?: number
  /** The worker's module, for programs that bundle this package. Default: the file beside this one. */
  script?: URL | undefined
}

interface Job {
  readonly chat: ChatRender
  /** Whether the worker has it. */
  sent: boolean
  resolve(text: string): void
  reject(error: unknown): void
}

/**
 * Renders conversations that may take any time and memory in a worker thread that has little of both: those with a template
 * of the request's own, and long ones. One after the other; the worker is started by the first. Nothing is ever rendered
 * on the caller's thread instead.
 */
export class TemplateSandbox {
  readonly #start: SandboxStart
  readonly #memoryLimitMb: number
  readonly #script: URL | undefined
  readonly #waiting: Job[] = []
  #running: Job | undefined
  #worker: Promise<Worker> | undefined
  /** Workers that have died or are being ended: nothing that they still say counts. */
  readonly #gone = new WeakSet<Worker>()
  #closed = false

  constructor({ renderer, timeLimitMs = 2000, memoryLimitMb = 128, mostCharacters = 2 ** 24, script }: SandboxOptions) {
    this.#start = { renderer, timeLimitMs, mostCharacters }
    this.#memoryLimitMb = memoryLimitMb
    this.#script = script
  }

  /**
   * The prompt text of a conversation.
   * @throws TokenizerError (400) when the template refuses it or exceeds a limit; when the sandbox is closed meanwhile;
   *   the reason of the signal of `cancel`, whose abort ends the work
   */
  async render(chat: ChatRender, cancel?: Cancel): Promise<string> {
    if (this.#closed) throw closedError()
    const signal = cancel?.signal
    signal?.throwIfAborted()
    let abort: (() => void) | undefined
    try {
      return await new Promise((resolve, reject) => {
        const job: Job = { chat, sent: false, resolve, reject }
        abort = () => this.#abort(job, signal!.reason)
        signal?.addEventListener('abort', abort)
        this.#waiting.push(job)
        if (!this.#running) void this.#next()
      })
    } finally {
      if (abort) signal?.removeEventListener('abort', abort)
    }
  }

  /** Ends the worker; calls under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    const worker = this.#worker
    this.#worker = undefined
    for (const job of this.#waiting.splice(0)) job.reject(closedError())
    this.#finish(job => job.reject(closedError()))
    await (await worker?.catch(() => undefined))?.terminate()
  }

  async #next(): Promise<void> {
    const job = this.#waiting.shift()
    if (!job) return
    this.#running = job
    try {
      const worker = await (this.#worker ??= this.#startWorker())
      if (this.#running !== job) return
      worker.ref()
      worker.postMessage(job.chat)
      job.sent = true
    } catch (error) {
      // Members that are nested too deeply cannot be sent to another thread.
      this.#finish(() => job.reject(new TokenizerError((error as Error).message, 'invalid_request', { cause: error })))
    }
  }

  async #startWorker(): Promise<Worker> {
    const { Worker } = await import('node:worker_threads')
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(this.#script ?? new URL(`./sandbox-worker.${ending}`, import.meta.url), {
      workerData: this.#start,
      resourceLimits: { maxOldGenerationSizeMb: this.#memoryLimitMb, maxYoungGenerationSizeMb: 16 },
    })
    worker.on('message', (answer: SandboxAnswer) => {
      if (this.#gone.has(worker)) return
      // An idle worker must not keep the process alive.
      worker.unref()
      this.#finish(job => {
        if ('text' in answer) job.resolve(answer.text)
        else job.reject(new TokenizerError(answer.error, answer.code))
      })
    })
    const lose = (error: unknown): void => {
      if (this.#gone.has(worker)) return
      this.#gone.add(worker)
      this.#lost(error as Error)
    }
    worker.on('error', lose)
    worker.on('exit', code => lose(new Error(`it ended with status ${code}`)))
    return worker
  }

  /** Nobody waits for a job any more. The worker that has it cannot be told so: the next job gets another one. */
  #abort(job: Job, reason: unknown): void {
    job.reject(reason)
    const at = this.#waiting.indexOf(job)
    if (at >= 0) this.#waiting.splice(at, 1)
    if (this.#running !== job) return
    if (job.sent) {
      void this.#worker?.then(worker => {
        this.#gone.add(worker)
        return worker.terminate()
      })
      this.#worker = undefined
    }
    this.#finish(() => {})
  }

  /** The worker died of what it was doing; what waits is done by another one. */
  #lost(error: Error): void {
    this.#worker = undefined
    this.#finish(job => job.reject(this.#lossOf(error)))
  }

  #lossOf(error: Error): TokenizerError {
    if ((error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return new TokenizerError(`the chat template needs more than ${this.#memoryLimitMb} MiB`, 'invalid_request')
    }
    return new TokenizerError(`the chat template's worker thread failed: ${error.message}`, 'internal')
  }

  #finish(settle: (job: Job) => void): void {
    const job = this.#running
    if (!job) return
    this.#running = undefined
    settle(job)
    void this.#next()
  }
}

function closedError(): TokenizerError {
  return new TokenizerError('the tokenizer was closed', 'internal')
}
