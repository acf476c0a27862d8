import { createRequire } from 'node:module'
import type { Clock } from '@vllm-sim/latency'
import { Connections, listen } from '@vllm-sim/service'
import { readPair } from '@vllm-sim/service/tls'
import type { Metrics } from './metrics.ts'

const { createServer } = createRequire(import.meta.url)('node:http') as typeof import('node:http')

/** How long the end waits for scrapes, milliseconds. */
const drain = 10_000

/** A port of its own for the sidecar's metrics: `/metrics` on the others is the decoder's. */
export interface MetricsServer {
  readonly port: number
  close(): Promise<void>
}

/** @param certDir directory of `tls.crt` and `tls.key`; empty: clear text @throws ListenError, CertificateError */
export async function openMetrics(
  metrics: Metrics,
  host: string,
  port: number,
  certDir: string,
  clock: Clock,
): Promise<MetricsServer> {
  const answer: import('node:http').RequestListener = (req, res) => {
    if (req.url?.split('?')[0] !== '/metrics') {
      res.writeHead(404, ['content-length', '0']).end()
      return
    }
    const text = metrics.text()
    res.writeHead(200, [
      'content-type',
      'text/plain; version=0.0.4; charset=utf-8',
      'content-length',
      String(Buffer.byteLength(text)),
    ])
    res.end(text)
  }
  const server = certDir === '' ? createServer(answer) : await secure(answer, certDir)
  const connections = new Connections(server)
  const opened = await listen(server, { host: host || '::', port })
  return { port: 'port' in opened ? opened.port : port, close: () => connections.close(clock, drain) }
}

async function secure(answer: import('node:http').RequestListener, certDir: string) {
  const https = createRequire(import.meta.url)('node:https') as typeof import('node:https')
  const pair = readPair({ cert: `${certDir}/tls.crt`, key: `${certDir}/tls.key` })
  return https.createServer({ ...pair, minVersion: 'TLSv1.2' }, answer)
}
