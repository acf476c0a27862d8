import type { Metrics } from '@vllm-sim/metrics'
import { queryOf, type Route, sendEmpty } from '@vllm-sim/transport-http'

/** `GET /metrics`, with prometheus_client's `name[]` filter. */
export function metricsRoute(metrics: Metrics): Route {
  return {
    method: 'GET',
    path: '/metrics',
    handle: (req, res) => {
      const names = queryOf(req).getAll('name[]')
      metrics.render(names.length > 0 ? names : undefined).then(
        text => {
          res
            .writeHead(200, { 'content-type': metrics.contentType, 'content-length': Buffer.byteLength(text) })
            .end(text)
        },
        () => sendEmpty(res, 500),
      )
    },
  }
}
