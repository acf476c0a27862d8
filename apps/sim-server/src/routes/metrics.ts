import type { ServerResponse } from 'node:http'
import { getBuiltinModule } from 'node:process'
import { promisify } from 'node:util'
import type { Metrics } from '@vllm-sim/metrics'
import type { Logger } from '@vllm-sim/service'
import { queryOf, type Route, type RoutedRequest, sendEmpty } from '@vllm-sim/transport-http'

/** Loaded by the first scraper that wants it: 3 MB. It is part of Node itself, so that this opens no file. */
function compress(text: string): Promise<Buffer> {
  return promisify<string, Buffer>(getBuiltinModule('node:zlib').gzip)(text)
}

/** `GET /metrics`, with prometheus_client's `name[]` filter, compressed for those who take it. */
export function metricsRoute(metrics: Metrics, log: Logger): Route {
  return {
    method: 'GET',
    path: '/metrics',
    handle: (req, res) => {
      send(metrics, req, res).catch(err => {
        log.error({ err }, 'metrics could not be rendered')
        sendEmpty(res, 500)
      })
    },
  }
}

async function send(metrics: Metrics, req: RoutedRequest, res: ServerResponse): Promise<void> {
  const names = queryOf(req).getAll('name[]')
  const text = await metrics.render(names.length > 0 ? names : undefined)
  const zipped = acceptsGzip(req.headers['accept-encoding'])
  const body = zipped ? await compress(text) : Buffer.from(text)
  res
    .writeHead(200, {
      'content-type': metrics.contentType,
      'content-length': body.length,
      vary: 'Accept-Encoding',
      ...(zipped ? { 'content-encoding': 'gzip' } : undefined),
    })
    .end(body)
}

/** Whether the header names gzip, or anything, and does not rule it out with a weight of 0. */
function acceptsGzip(header: string | string[] | undefined): boolean {
  const weights = new Map<string, number>()
  for (const part of [header ?? ''].flat().join(',').split(',')) {
    const [coding = '', ...parameters] = part.split(';').map(piece => piece.trim().toLowerCase())
    const weight = parameters.find(parameter => parameter.startsWith('q='))
    weights.set(coding, weight === undefined ? 1 : Number(weight.slice(2)))
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}
