import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request that a mock was sent. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly text: string
  readonly body: Record<string, unknown>
}

export type Answerer = (seen: Seen, res: ServerResponse, index: number) => void

/** A server that keeps what it was sent. */
export interface Mock {
  readonly server: Server
  readonly port: number
  readonly host: string
  readonly seen: Seen[]
  /** Resolves with the request of this number, from 0. */
  request(index: number): Promise<Seen>
}

/** Answers with JSON. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answerer {
  return (_seen, res) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    res
      .writeHead(status, { 'content-type': 'application/json', ...headers, 'content-length': Buffer.byteLength(text) })
      .end(text)
  }
}

/** Starts a mock on a free port, or on this one; it ends with the test. */
export async function mock(answer: Answerer = json({}), at = 0): Promise<Mock> {
  const seen: Seen[] = []
  const waiting: (() => void)[] = []
  const server = createServer((req, res) => void take(req, res))
  async function take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    try {
      for await (const piece of req) pieces.push(piece as Buffer)
    } catch {
      return
    }
    const text = Buffer.concat(pieces).toString()
    const one = {
      method: req.method!,
      url: req.url!,
      headers: req.headers,
      rawHeaders: req.rawHeaders,
      text,
      body: parse(text),
    }
    const index = seen.push(one) - 1
    for (const run of waiting.splice(0)) run()
    answer(one, res, index)
  }
  await new Promise<void>(resolve => server.listen(at, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    host: `127.0.0.1:${port}`,
    seen,
    async request(index) {
      while (seen.length <= index) await new Promise<void>(resolve => waiting.push(resolve))
      return seen[index]!
    },
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** What a prefiller with NIXL answers. */
export const prefilled = {
  kv_transfer_params: { remote_block_ids: [1, 2, 3], remote_engine_id: 'e', remote_host: 'ahost', remote_port: 4032 },
  usage: { prompt_tokens: 64, completion_tokens: 1, total_tokens: 65, prompt_tokens_details: { cached_tokens: 7 } },
}

/** What a decoder answers. */
export const decoded = {
  id: 'chatcmpl-1',
  choices: [],
  usage: { prompt_tokens: 64, completion_tokens: 1, total_tokens: 65, prompt_tokens_details: { cached_tokens: 49 } },
}

/** Asks as vLLM's prefiller would be asked, or answers 400 with what is wrong. */
export const nixlPrefiller: Answerer = (seen, res, index) => {
  const params = seen.body['kv_transfer_params'] as Record<string, unknown> | undefined
  const nulls = ['remote_engine_id', 'remote_block_ids', 'remote_host', 'remote_port']
  const wrong =
    params?.['do_remote_decode'] !== true ||
    params['do_remote_prefill'] !== false ||
    nulls.some(name => params[name] !== null)
  json(wrong ? { error: 'bad kv_transfer_params' } : prefilled, wrong ? 400 : 200)(seen, res, index)
}
