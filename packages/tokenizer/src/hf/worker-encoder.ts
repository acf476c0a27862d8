import type { Worker } from 'node:worker_threads'
import { TokenizerError } from '../errors.ts'
import type { WorkerRequest, WorkerResponse, WorkerStart } from './encode-worker.ts'

interface Pending {
  texts: string[]
  resolve(ids: Uint32Array[]): void
  reject(error: Error): void
}

/** After so many failed starts or crashes in a row the worker is not tried again. */
const MAX_FAILURES = 3

/**
 * Encodes texts in a worker thread that is started with the first text and keeps a tokenizer of its own. When the worker
 * fails, what it had to do is done by `fallback`, on this thread: late is better than lost.
 */
export class WorkerEncoder {
  readonly #directory: string
  readonly #script: URL
  readonly #fallback: (text: string) => Uint32Array
  readonly #onWarning: (message: string) => void
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #starting: Promise<void> | undefined
  #nextId = 0
  #failures = 0
  #closed = false

  constructor(options: {
    directory: string
    fallback: (text: string) => Uint32Array
    onWarning: (message: string) => void
    /** The worker's module, for programs that bundle this package. Default: the file beside this one. */
    script?: URL
  }) {
    this.#directory = options.directory
    this.#fallback = options.fallback
    this.#onWarning = options.onWarning
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#script = options.script ?? new URL(`./encode-worker.${ending}`, import.meta.url)
  }

  /**
   * Ids of each text, without special tokens.
   * @throws TokenizerError when the text cannot be encoded, or the encoder is closed meanwhile
   */
  async encode(texts: string[]): Promise<Uint32Array[]> {
    if (this.#closed) throw closedError()
    if (this.#failures >= MAX_FAILURES) return texts.map(this.#fallback)
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#pending.set(id, { texts, resolve, reject })
      if (this.#worker) this.#send(id, texts)
      else this.#starting ??= this.#start()
    })
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

  #send(id: number, texts: string[]): void {
    this.#worker!.ref()
    this.#worker!.postMessage({ id, texts } satisfies WorkerRequest)
  }

  async #start(): Promise<void> {
    const { Worker } = await import('node:worker_threads')
    this.#starting = undefined
    if (this.#closed) return
    const worker = new Worker(this.#script, { workerData: { directory: this.#directory } satisfies WorkerStart })
    this.#worker = worker
    worker.on('message', (response: WorkerResponse) => this.#receive(response))
    worker.on('error', error => this.#lost(worker, (error as Error).message))
    worker.on('exit', code => this.#lost(worker, `it ended with status ${code}`))
    for (const [id, { texts }] of this.#pending) this.#send(id, texts)
  }

  #receive(response: WorkerResponse): void {
    const pending = this.#pending.get(response.id)
    this.#pending.delete(response.id)
    // An idle worker must not keep the process alive.
    if (this.#pending.size === 0) this.#worker?.unref()
    this.#failures = 0
    if (!pending) return
    if ('error' in response) {
      pending.reject(new TokenizerError(response.error, 'internal'))
      return
    }
    const { ids, counts } = response
    let start = 0
    pending.resolve(Array.from(counts, count => ids.subarray(start, (start += count))))
  }

  #lost(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#failures++
    const next = this.#failures < MAX_FAILURES ? 'it is started again when needed' : 'it is not started again'
    this.#onWarning(`tokenizer worker thread failed: ${reason}; long prompts block the server meanwhile, ${next}`)
    const orphans = [...this.#pending.values()]
    this.#pending.clear()
    for (const { texts, resolve, reject } of orphans) {
      try {
        resolve(texts.map(this.#fallback))
      } catch (error) {
        reject(error as Error)
      }
    }
  }
}

function closedError(): TokenizerError {
  return new TokenizerError('the tokenizer was closed', 'internal')
}
