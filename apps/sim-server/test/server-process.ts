import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'

export { freePort } from './free-port.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** How the process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

/** The server as a process of its own, started from its sources. */
export class ServerProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  /** All of its standard error so far. */
  log = ''
  readonly ended: Promise<Ending>
  #changed: (() => void)[] = []
  #over = false

  /** Starts it with these arguments. What a test leaves running is killed after it; to be used in tests alone. */
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [main, ...args], {
      env: { ...cleanEnvironment(), ...patience, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(async () => {
      this.kill('SIGKILL')
      await this.ended
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text
      this.#notify()
    })
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#over = true
      this.#notify()
      return { code, signal }
    })
  }

  /** Waits until the log has a match. Rejects when the process ends without one. */
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.log)
      if (match) return match
      if (this.#over) throw new Error(`the server ended without ${pattern}:\n${this.log}`)
      await new Promise<void>(resolve => this.#changed.push(resolve))
    }
  }

  kill(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void {
    this.child.kill(signal)
  }

  /** Ends it in an orderly way. */
  async stop(): Promise<Ending> {
    this.kill('SIGTERM')
    return this.ended
  }

  #notify(): void {
    for (const run of this.#changed.splice(0)) run()
  }
}

/** On a machine that pauses for seconds an idle connection would be closed just when it is used again. */
export const patience = { VLLM_HTTP_TIMEOUT_KEEP_ALIVE: '600' }

/** Variables that would change what is tested stay outside. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env)
  return Object.fromEntries(
    entries.filter(([name]) => !/^(VLLM_|POD_|SIM_|HF_|PYTHONHASHSEED|NODE_OPTIONS)/.test(name)),
  )
}

/** Options with which a start takes as little time as it can. */
export const quick = ['--model', 'm', '--force-dummy-tokenizer', '--no-warm-up']

/** A server that is ready, and its port. */
export async function startServer(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ server: ServerProcess; port: number; url: string }> {
  const port = await freePort()
  const server = new ServerProcess([...quick, '--host', '127.0.0.1', '--port', String(port), ...args], env)
  await server.logged(/Application startup complete/)
  return { server, port, url: `http://127.0.0.1:${port}` }
}

/** Sends a JSON body. */
export function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })
}

/** A completion of exactly `tokens` tokens. */
export function completion(tokens: number, stream: boolean): object {
  return { model: 'm', prompt: 'Hello there.', max_tokens: tokens, ignore_eos: true, stream }
}

/** Starts a streamed completion and waits for its first bytes. */
export async function startStream(url: string, tokens: number): Promise<{ rest: Promise<string> }> {
  const response = await post(`${url}/v1/completions`, completion(tokens, true))
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const first = await reader.read()
  const collect = async (): Promise<string> => {
    let text = first.value ?? ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text
      text += value
    }
  }
  return { rest: collect() }
}
