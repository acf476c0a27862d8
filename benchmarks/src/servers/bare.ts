import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Pace } from '../load/pacing.ts'
import { Deadlines, type Due } from './deadlines.ts'

/** What every answer repeats. */
const words = 'this server knows one sentence and says it again and again until the client has had enough of it '.split(
  /(?<= )/,
)

/** What a prefilling server tells of its KV blocks. */
const blocks =
  ',"kv_transfer_params":{"do_remote_prefill":true,"do_remote_decode":false,"remote_block_ids":[[1,2,3]],' +
  '"remote_engine_id":"bare","remote_request_id":"r","remote_host":"localhost","remote_port":5600,"tp_size":1}'

let requests = 0

interface Asked {
  readonly model: string
  readonly max_tokens?: number
  readonly stream?: boolean
  readonly kv_transfer_params?: { readonly do_remote_decode?: boolean }
}

/** A stream on its way. */
class BareStream implements Due {
  due: number
  readonly #res: ServerResponse
  readonly #head: string
  readonly #tokens: number
  readonly #itl: number
  #sent = 0

  constructor(res: ServerResponse, head: string, tokens: number, pace: Pace) {
    this.#res = res
    this.#head = head
    this.#tokens = tokens
    this.#itl = pace.itl
    this.due = performance.now() + pace.ttft
  }

  run(): boolean {
    const word = words[this.#sent % words.length]!
    this.#res.write(`${this.#head}{"content":"${word}"},"logprobs":null,"finish_reason":null}]}\n\n`)
    this.#sent++
    this.due += this.#itl
    if (this.#sent < this.#tokens) return true
    this.#res.end(`${this.#head}{},"logprobs":null,"finish_reason":"length"}]}\n\ndata: [DONE]\n\n`)
    return false
  }
}

/**
 * The measure of all things: a `node:http` server that answers chat completions with fixed text, exactly paced, and does
 * nothing else. No check of the request, no tokenizer, no scheduler, no metrics, no log, no back-pressure. One
 * `res.write` per token, as everyone would write it.
 */
export function createBareServer(pace: Pace): Server {
  const deadlines = new Deadlines()
  return createServer({ noDelay: true }, (req, res) => {
    if (req.url === '/health') res.end()
    else if (req.url === '/v1/chat/completions') readBody(req, text => answer(text, res, pace, deadlines))
    else res.writeHead(404).end()
  })
}

function readBody(req: IncomingMessage, done: (text: string) => void): void {
  const pieces: Buffer[] = []
  req.on('data', (piece: Buffer) => pieces.push(piece))
  req.on('end', () => done(pieces.length === 1 ? pieces[0]!.toString() : Buffer.concat(pieces).toString()))
}

function answer(text: string, res: ServerResponse, pace: Pace, deadlines: Deadlines): void {
  const { model, max_tokens: tokens = 16, stream, kv_transfer_params: transfer } = JSON.parse(text) as Asked
  const id = `chatcmpl-${String(++requests).padStart(32, '0')}`
  const start = `{"id":"${id}","object":"chat.completion${stream ? '.chunk' : ''}","created":${Math.floor(Date.now() / 1000)},"model":${JSON.stringify(model)},"choices":[{"index":0,`
  if (!stream) {
    let content = ''
    for (let at = 0; at < tokens; at++) content += words[at % words.length]
    const body = `${start}"message":{"role":"assistant","content":${JSON.stringify(content)}},"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":8,"completion_tokens":${tokens},"total_tokens":${tokens + 8}}${transfer?.do_remote_decode ? blocks : ''}}`
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
    return
  }
  const head = `data: ${start}"delta":`
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  res.write(`${head}{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}\n\n`)
  const one = new BareStream(res, head, tokens, pace)
  if (pace.ttft > 0 || pace.itl > 0) {
    deadlines.add(one)
    return
  }
  const { socket } = res
  socket?.cork()
  while (one.run());
  socket?.uncork()
}
