import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A stream whose timing is known: token k leaves `at(k)` milliseconds after the request came, never before. */
export interface Script {
  readonly tokens: number
  at(k: number): number
  /** How it ends; default `done`. */
  readonly end?: 'done' | 'without done' | 'cut' | 'error frame' | '503'
}

/** A server for one test. */
export interface TinyServer {
  readonly url: URL
  close(): Promise<void>
}

/** Serves streams by `script`, called with the 0-based number of the request; other answers take `pause` milliseconds. */
export async function tinyServer(script: (request: number) => Script, pause = 0): Promise<TinyServer> {
  let requests = 0
  let waiting = 0
  const server = createServer((req, res) => {
    if (req.url === '/health') res.end()
    else if (req.url === '/metrics') {
      res.end(
        `vllm:num_requests_running{a="b"} ${Math.min(waiting, 1)}\nvllm:num_requests_waiting{a="b"} ${Math.max(0, waiting - 1)}\n`,
      )
    } else {
      let body = ''
      req.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      req.on('end', () => {
        if (!JSON.parse(body).stream) setTimeout(() => res.end('{}'), pause)
        else {
          waiting++
          res.on('close', () => waiting--)
          play(script(requests++), res)
        }
      })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function play({ tokens, at, end = 'done' }: Script, res: ServerResponse): void {
  if (end === '503') {
    res.writeHead(503).end('no')
    return
  }
  const start = performance.now()
  const frame = (delta: object): boolean => res.write(`data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`)
  const finish = (): void => {
    if (end === 'cut') res.destroy()
    else if (end === 'error frame') res.end('data: {"error":{"message":"no"}}\n\ndata: [DONE]\n\n')
    else if (end === 'without done') res.end()
    else {
      frame({})
      res.end('data: [DONE]\n\n')
    }
  }
  let k = 0
  const next = (): void => {
    // Timers may come a part of a millisecond early.
    for (; k < tokens && performance.now() - start >= at(k); k++) {
      if (k === 0) frame({ role: 'assistant', content: '' })
      frame({ content: `word ${k}` })
    }
    if (k >= tokens) finish()
    else if (Number.isFinite(at(k))) setTimeout(next, Math.max(1, at(k) - (performance.now() - start)))
  }
  next()
}
