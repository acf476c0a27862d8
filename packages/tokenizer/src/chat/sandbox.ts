import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { SandboxMessage, SandboxStart } from '../bin/sandbox.ts'
import { TokenizerError } from '../errors.ts'
import type { Cancel, ChatRender } from '../types.ts'

/** Settings of `TemplateSandbox`. */
export interface SandboxOptions {
  renderer: SandboxStart['renderer']
  /** Longest time that one conversation may take, in milliseconds. Default 2,000. */
  timeLimitMs?: number
  /** Most memory of its heap, in MiB. Default 128. */
  memoryLimitMb?: number
  /** Longest prompt, in characters. Default 16 Mi. */
  mostCharacters?: number
  /** The module of its process, for programs that bundle this package. Default: the file beside this one. */
  script?: URL | undefined
}

interface Job {
  readonly chat: ChatRender
  /** Whether the process has it. */
  sent: boolean
  resolve(text: string): void
  reject(error: unknown): void
}

/**
 * Renders conversations that may take any time and memory in a process that has little of both: those with a template
 * of the request's own, and long ones. One after the other; the process is started by the first. Nothing is ever rendered
 * in the caller's instead. A thread would not do: V8 ends the whole process when one of its heaps cannot take what is
 * allocated at once, such as a text of 512 MB.
 */
export class TemplateSandbox {
  readonly #start: SandboxStart
  readonly #memoryLimitMb: number
  readonly #script: URL | undefined
  readonly #waiting: Job[] = []
  #running: Job | undefined
  #process: Promise<ChildProcess> | undefined
  /** Processes that have died or are being ended: nothing that they still say counts. */
  readonly #gone = new WeakSet<ChildProcess>()
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

  /** Ends the process; calls under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    const started = this.#process
    this.#process = undefined
    for (const job of this.#waiting.splice(0)) job.reject(closedError())
    this.#finish(job => job.reject(closedError()))
    const child = await started?.catch(() => undefined)
    if (!child || this.#gone.has(child)) return
    const exit = once(child, 'exit')
    this.#kill(child)
    await exit
  }

  async #next(): Promise<void> {
    const job = this.#waiting.shift()
    if (!job) return
    this.#running = job
    try {
      const child = await (this.#process ??= this.#startProcess())
      if (this.#running !== job) return
      keepAlive(child, true)
      child.send(job.chat)
      job.sent = true
    } catch (error) {
      if (this.#running !== job) return
      // Members that are nested too deeply cannot be sent to another process.
      this.#finish(() => job.reject(new TokenizerError((error as Error).message, 'invalid_request', { cause: error })))
    }
  }

  /** @returns it when it is ready to render; never when it dies before, which is a loss as any other */
  async #startProcess(): Promise<ChildProcess> {
    const { fork } = await import('node:child_process')
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const child = fork(this.#script ?? new URL(`../bin/sandbox.${ending}`, import.meta.url), {
      // Nothing of the server's is its business.
      env: {},
      execArgv: [`--max-old-space-size=${this.#memoryLimitMb}`, '--max-semi-space-size=4'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const lose = (error: Error): void => {
      if (this.#gone.has(child)) return
      this.#gone.add(child)
      this.#process = undefined
      this.#finish(job => job.reject(error))
    }
    child.on('error', error => lose(failure(error.message)))
    child.on('exit', (code, signal) => lose(this.#lossOf(code, signal)))
    return new Promise(resolve => {
      child.on('message', (answer: SandboxMessage) => {
        if (this.#gone.has(child)) return
        // An idle process must not keep this one alive.
        keepAlive(child, false)
        if (answer === 'ready') return resolve(child)
        this.#finish(job => {
          if ('text' in answer) job.resolve(answer.text)
          else job.reject(new TokenizerError(answer.error, answer.code))
        })
      })
      child.send(this.#start)
    })
  }

  /** Nobody waits for a job any more. The process that has it cannot be told so: the next job gets another one. */
  #abort(job: Job, reason: unknown): void {
    job.reject(reason)
    const at = this.#waiting.indexOf(job)
    if (at >= 0) this.#waiting.splice(at, 1)
    if (this.#running !== job) return
    if (job.sent) {
      void this.#process?.then(child => this.#kill(child))
      this.#process = undefined
    }
    this.#finish(() => {})
  }

  #kill(child: ChildProcess): void {
    this.#gone.add(child)
    child.kill('SIGKILL')
  }

  /** V8 aborts what needs more memory than it has. */
  #lossOf(code: number | null, signal: NodeJS.Signals | null): TokenizerError {
    if (signal !== null || code === 134) {
      return new TokenizerError(`the chat template needs more than ${this.#memoryLimitMb} MiB`, 'invalid_request')
    }
    return failure(`it ended with status ${code}`)
  }

  #finish(settle: (job: Job) => void): void {
    const job = this.#running
    if (!job) return
    this.#running = undefined
    settle(job)
    void this.#next()
  }
}

/** Whether this process goes on while that one does. */
function keepAlive(child: ChildProcess, on: boolean): void {
  if (on) {
    child.ref()
    child.channel?.ref()
  } else {
    child.unref()
    child.channel?.unref()
  }
}

function failure(reason: string): TokenizerError {
  return new TokenizerError(`the process of the chat template failed: ${reason}`, 'internal')
}

function closedError(): TokenizerError {
  return new TokenizerError('the tokenizer was closed', 'internal')
}
