import { Numbers, quantile } from '../measure/quantiles.ts'
import { Connection } from './connection.ts'
import { Failures } from './failures.ts'

export interface UnaryOptions {
  readonly url: URL
  readonly request: Buffer
  readonly connections: number
  readonly seconds: number
}

export interface UnaryResult {
  readonly requests: number
  readonly errors: number
  readonly problems: string
  readonly requestsPerSecond: number
  /** Latency, milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Sends requests back to back on some connections. After a failure a connection pauses for 10 ms and dials again. */
export async function measureUnary(options: UnaryOptions): Promise<UnaryResult> {
  const latencies = new Numbers()
  const failures = new Failures()
  const start = performance.now()
  const end = start + options.seconds * 1000
  const one = (connection: Connection): Promise<void> =>
    new Promise(resolve => {
      const next = (): void => {
        const sent = performance.now()
        if (sent >= end) {
          connection.close()
          resolve()
          return
        }
        connection.send(options.request, undefined, answer => {
          if (failures.check(answer)) {
            latencies.push(performance.now() - sent)
            next()
          } else setTimeout(next, 10)
        })
      }
      next()
    })
  await Promise.all(Array.from({ length: options.connections }, () => one(new Connection(options.url))))
  const seconds = (performance.now() - start) / 1000
  const sorted = latencies.sorted()
  return {
    requests: latencies.length,
    errors: failures.count,
    problems: failures.text,
    requestsPerSecond: latencies.length / seconds,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  }
}
