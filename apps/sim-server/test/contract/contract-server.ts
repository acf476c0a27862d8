import { afterAll, beforeAll, expect, vi } from 'vitest'
import { InProcessServer } from '../in-process.ts'
import { PassingClock } from '../passing-clock.ts'
import { freePort } from '../server-process.ts'

export interface Reply<T = Body> {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; reading it throws when it is none. */
  readonly json: T
}

/** Any JSON object. */
// biome-ignore lint/suspicious/noExplicitAny: the tests say what is in there
export type Body = any

/** One event of a stream. `event` is empty for streams without names; `data` is the string `[DONE]` at the end of some. */
export interface Frame {
  readonly event: string
  readonly data: Body
}

/** A server that the tests of a file share. */
export interface ContractServer {
  readonly port: number
  readonly url: string
  /** All of its standard error so far. */
  readonly log: string
  get(path: string): Promise<Reply>
  /** Sends an object as JSON, a string as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>
  /** Posts with `stream: true` and reads the whole stream, which has to be well-formed. */
  stream(path: string, body: object, headers?: Record<string, string>): Promise<Frame[]>
  /** The value of one series of `/metrics`, or undefined when it is absent. */
  metric(series: string): Promise<number | undefined>
  metrics(): Promise<string>
  /** Requests that run and wait at the moment. */
  load(): Promise<{ running: number; waiting: number }>
  /** The clock of its simulation. @throws Error when that is the machine's */
  readonly clock: PassingClock
}

export interface ContractOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Neighbouring ports that have to be free. */
  readonly ports?: number
  /** The name of the model; `m` when absent, none when empty. */
  readonly model?: string
  /** Time stands until a test lets it pass. */
  readonly standing?: boolean
}

/** Starts a server before the tests of the file and ends it after them. Read it only inside of tests. */
export function contractServer(args: readonly string[], options: ContractOptions = {}): ContractServer {
  const server = new SharedServer(options.standing ? new PassingClock() : undefined)
  beforeAll(() => server.start(args, options))
  afterAll(() => server.stop())
  return server
}

class SharedServer implements ContractServer {
  readonly #clock: PassingClock | undefined
  readonly #server = new InProcessServer()

  constructor(clock: PassingClock | undefined) {
    this.#clock = clock
  }

  get clock(): PassingClock {
    if (!this.#clock) throw new Error('the server has no clock of its own')
    return this.#clock
  }

  get port(): number {
    return this.#server.port
  }

  get url(): string {
    return this.#server.url
  }

  get log(): string {
    return this.#server.log
  }

  async start(args: readonly string[], { env, ports = 1, model = 'm' }: ContractOptions): Promise<void> {
    const port = ports === 1 ? [] : ['--port', String(await freePort(ports))]
    const named = model === '' ? [] : ['--model', model]
    await this.#server.start([...named, '--force-dummy-tokenizer', '--no-warm-up', ...port, ...args], env, this.#clock)
  }

  async stop(): Promise<void> {
    await this.#server.stop()
    this.#clock?.close()
  }

  get(path: string): Promise<Reply> {
    return read(fetch(this.url + path))
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return read(fetch(this.url + path, { method: 'POST', body: text, headers }))
  }

  async stream(path: string, body: object, headers?: Record<string, string>): Promise<Frame[]> {
    const reply = await this.post(path, { ...body, stream: true }, headers)
    expect([reply.status, reply.headers.get('content-type')], reply.text).toEqual([200, 'text/event-stream'])
    return frames(reply.text)
  }

  async metrics(): Promise<string> {
    return (await this.get('/metrics')).text
  }

  async metric(series: string): Promise<number | undefined> {
    const line = (await this.metrics()).split('\n').find(one => one.startsWith(`${series} `))
    return line === undefined ? undefined : Number(line.slice(series.length + 1))
  }

  async load(): Promise<{ running: number; waiting: number }> {
    const text = await this.metrics()
    return { running: gauge(text, 'vllm:num_requests_running'), waiting: gauge(text, 'vllm:num_requests_waiting') }
  }
}

function gauge(text: string, name: string): number {
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1])
}

async function read(answer: Promise<Response>): Promise<Reply> {
  const response = await answer
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text)
    },
  }
}

/** Takes a stream apart. @throws when it ends within a frame or has another line in it */
function frames(text: string): Frame[] {
  if (!text.endsWith('\n\n')) throw new Error(`the stream ends within a frame: ${JSON.stringify(text.slice(-80))}`)
  return text
    .slice(0, -2)
    .split('\n\n')
    .map(frame => {
      const match = /^(?:event: ([^\n]+)\n)?data: ([^\n]+)$/.exec(frame)
      if (!match) throw new Error(`not a frame: ${frame}`)
      const [, event = '', data = ''] = match
      return { event, data: data === '[DONE]' ? data : JSON.parse(data) }
    })
}

/** Asks again and again until the check passes; also in tests that run side by side. */
export function eventually(check: () => Promise<void>, timeout = 60_000): Promise<void> {
  return vi.waitFor(check, { timeout, interval: 5 })
}

/** Waits until as many requests run and wait. */
export function loadBecomes(server: ContractServer, running: number, waiting = 0): Promise<void> {
  return eventually(async () => expect(await server.load()).toEqual({ running, waiting }))
}

/** The adapters of the newest series of `vllm:lora_requests_info`, sorted. */
export function latestLoras(text: string): { running: string[]; waiting: string[] } {
  const series = [
    ...text.matchAll(
      /^vllm:lora_requests_info\{.*running_lora_adapters="(.*)",waiting_lora_adapters="(.*)"\} (\S+)$/gm,
    ),
  ]
  const [, running = '', waiting = ''] = series.reduce((best, one) => (Number(one[3]) > Number(best[3]) ? one : best))
  const names = (list: string): string[] => (list === '' ? [] : list.split(',').sort())
  return { running: names(running), waiting: names(waiting) }
}

/** What comes back for a request that fails: the whole envelope. */
export function envelope(status: number, type: string, message: unknown, param: string | null = null): object {
  return { error: { message, type, param, code: status } }
}

/** The prompt of the specification's examples: 5 tokens alone, 10 as a chat. */
export const prompt = 'This is a test.'
export const messages = [{ role: 'user', content: prompt }]

/** The smallest body of each generation endpoint, for a model called `m`. */
export const generation = {
  '/v1/chat/completions': { model: 'm', messages },
  '/v1/completions': { model: 'm', prompt },
  '/v1/responses': { model: 'm', input: prompt },
  '/v1/messages': { model: 'm', messages, max_tokens: 100 },
  '/inference/v1/generate': { model: 'm', token_ids: [1, 2, 3], sampling_params: {} },
} as const

export type GenerationPath = keyof typeof generation

export const generationPaths = Object.keys(generation) as GenerationPath[]
