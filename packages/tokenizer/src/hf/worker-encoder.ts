import type { Worker } from 'node:worker_threads'
import { TokenizerError } from '../errors.ts'
import type { ChatRender } from '../types.ts'
import type { WorkerRequest, WorkerResponse, WorkerStart } from './encode-worker.ts'
import type { EncoderResult, EncoderTask } from './task.ts'

interface Pending {
  task: EncoderTask
  resolve(result: EncoderResult): void
  reject(error: Error): void
}

/** After so many failed starts or crashes in a row the worker is not tried again. */
const MAX_FAILURES = 3

/** What `WorkerEncoder` needs. */
export interface WorkerEncoderOptions {
  start: WorkerStart
  /** Does the work on this thread. */
  fallback: (task: EncoderTask) => EncoderResult
  onWarning: (message: string) => void
  /** The worker's module, for programs that bundle this package. Default: the file beside this one. */
  script?: URL | undefined
}

/**
 * Encodes texts and renders conversations in a worker thread that is started with the first task and keeps a tokenizer of its
 * own. When the worker fails, what it had to do is done by `fallback`, on this thread: late is better than lost.
 */
export class WorkerEncoder {
  readonly #options: WorkerEncoderOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #starting: Promise<void> | undefined
  #nextId = 0
  #failures = 0
  #closed = false

  constructor(options: WorkerEncoderOptions) {
    this.#options = options
  }

  /**
   * Ids of each text, without special tokens.
   * @throws TokenizerError when the text cannot be encoded, or the encoder is closed meanwhile
   */
  async encode(texts: string[]): Promise<Uint32Array[]> {
    const { ids, counts } = (await this.#perform({ texts })) as Extract<EncoderResult, { ids: unknown }>
    let start = 0
    return Array.from(counts, count => ids.subarray(start, (start += count)))
  }

  /**
   * The prompt text of a conversation.
   * @throws TokenizerError when the template refuses it (400), or the encoder is closed meanwhile
   */
  async render(chat: ChatRender): Promise<string> {
    return ((await this.#perform({ chat })) as Extract<EncoderResult, { text: unknown }>).text
  }

  /** Ends the worker; calls under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    for (const pending of this.#pending.values()) pending.reject(closedError())
    this.#pending.clear()
    await this.#starting
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  async #perform(task: EncoderTask): Promise<EncoderResult> {
    if (this.#closed) throw closedError()
    if (this.#failures >= MAX_FAILURES) return this.#options.fallback(task)
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#pending.set(id, { task, resolve, reject })
      if (this.#worker) this.#send(id, task)
      else this.#starting ??= this.#start()
    })
  }

  #send(id: number, task: EncoderTask): void {
    this.#worker!.ref()
    this.#worker!.postMessage({ id, ...task } satisfies WorkerRequest)
  }

  async #start(): Promise<void> {
    const { Worker } = await import('node:worker_threads')
    this.#starting = undefined
    if (this.#closed) return
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const script = this.#options.script ?? new URL(`./encode-worker.${ending}`, import.meta.url)
    const worker = new Worker(script, { workerData: this.#options.start })
    this.#worker = worker
    worker.on('message', (response: WorkerResponse) => this.#receive(response))
    worker.on('error', error => this.#lost(worker, (error as Error).message))
    worker.on('exit', code => this.#lost(worker, `it ended with status ${code}`))
    for (const [id, { task }] of this.#pending) this.#send(id, task)
  }

  #receive(response: WorkerResponse): void {
    const pending = this.#pending.get(response.id)
    this.#pending.delete(response.id)
    // An idle worker must not keep the process alive.
    if (this.#pending.size === 0) this.#worker?.unref()
    this.#failures = 0
    if (!pending) return
    if ('error' in response) pending.reject(new TokenizerError(response.error, response.code))
    else pending.resolve(response)
  }

  #lost(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#failures++
    const next = this.#failures < MAX_FAILURES ? 'it is started again when needed' : 'it is not started again'
    this.#options.onWarning(
      `tokenizer worker thread failed: ${reason}; long prompts block the server meanwhile, ${next}`,
    )
    const orphans = [...this.#pending.values()]
    this.#pending.clear()
    for (const { task, resolve, reject } of orphans) {
      try {
        resolve(this.#options.fallback(task))
      } catch (error) {
        reject(error as Error)
      }
    }
  }
}

function closedError(): TokenizerError {
  return new TokenizerError('the tokenizer was closed', 'internal')
}
