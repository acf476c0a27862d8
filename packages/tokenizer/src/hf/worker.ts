import type { Worker } from 'node:worker_threads'
import type { WorkerResponse, WorkerStart } from './encode-worker.ts'

/** What one worker thread reports. */
export interface WorkerEvents {
  /** It has loaded the tokenizer and takes its first text. */
  onReady(worker: EncodingWorker): void
  /** The answer to the text under way. */
  onAnswer(worker: EncodingWorker, answer: WorkerResponse): void
  /** It ended by itself. */
  onLost(worker: EncodingWorker, reason: string): void
}

/** One thread with a tokenizer of its own, which encodes one text at a time. */
export class EncodingWorker {
  readonly #events: WorkerEvents
  readonly #starting: Promise<void>
  #thread: Worker | undefined
  #ended = false
  isReady = false

  /** @param script the worker's module; default: the file beside this one */
  constructor(start: WorkerStart, script: URL | undefined, events: WorkerEvents) {
    this.#events = events
    this.#starting = this.#start(start, script)
  }

  send(text: string): void {
    this.#thread?.ref()
    this.#thread?.postMessage(text)
  }

  /** Ends it at once, whatever it is doing. Nothing is reported any more. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#starting
    await this.#thread?.terminate()
  }

  async #start(workerData: WorkerStart, script: URL | undefined): Promise<void> {
    const { Worker } = await import('node:worker_threads')
    if (this.#ended) return
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const thread = new Worker(script ?? new URL(`./encode-worker.${ending}`, import.meta.url), { workerData })
    this.#thread = thread
    thread.on('message', (response: WorkerResponse | 'ready') => {
      if (this.#ended) return
      // An idle thread must not keep the process alive.
      thread.unref()
      if (response !== 'ready') this.#events.onAnswer(this, response)
      else {
        this.isReady = true
        this.#events.onReady(this)
      }
    })
    thread.on('error', error => this.#lost((error as Error).message))
    thread.on('exit', code => this.#lost(`it ended with status ${code}`))
  }

  #lost(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#events.onLost(this, reason)
  }
}
