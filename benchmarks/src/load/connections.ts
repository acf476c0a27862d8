import { listenOverflows, processUsage } from '../measure/process-usage.ts'
import { quantile } from '../measure/quantiles.ts'
import { Connection } from './connection.ts'
import { Failures } from './failures.ts'
import { getRequest } from './request.ts'

export interface ConnectResult {
  readonly connections: number
  readonly errors: number
  readonly problems: string
  /** Connections that took so long that their first packet must have been sent again. */
  readonly retried: number
  /** Connections that the server's backlog had no room for, on this machine meanwhile. */
  readonly overflows: number
  /** From `connect` to established, and to the answer of `GET /health`, milliseconds. */
  readonly establishedP50: number
  readonly establishedMax: number
  readonly answeredP50: number
  readonly answeredMax: number
}

/** Linux sends the first packet of a connection again after a second (RFC 6298). */
const retryAfter = 900

/** Opens many connections in one turn of the event loop and asks once on each. */
export async function measureConnect(url: URL, count: number): Promise<ConnectResult> {
  const failures = new Failures()
  const overflows = listenOverflows()
  const request = getRequest(url, '/health')
  const connections = Array.from({ length: count }, () => new Connection(url))
  const established: number[] = []
  const answered: number[] = []
  const start = performance.now()
  await Promise.all(
    connections.map(async connection => {
      const error = await connection.dial()
      if (error) {
        failures.add(error.message)
        return
      }
      established.push(performance.now() - start)
      if (failures.check(await connection.ask(request))) answered.push(performance.now() - start)
    }),
  )
  for (const connection of connections) connection.close()
  established.sort((a, b) => a - b)
  answered.sort((a, b) => a - b)
  return {
    connections: count,
    errors: failures.count,
    problems: failures.text,
    retried: established.filter(time => time > retryAfter).length,
    overflows: listenOverflows() - overflows,
    establishedP50: quantile(established, 0.5),
    establishedMax: quantile(established, 1),
    answeredP50: quantile(answered, 0.5),
    answeredMax: quantile(answered, 1),
  }
}

export interface IdleResult {
  /** Connections that were open together. */
  readonly connections: number
  readonly errors: number
  readonly problems: string
  /** Resident memory of the server before and with them, MB. */
  readonly rssBefore: number
  readonly rssWith: number
  readonly kilobytesEach: number
}

/** How many are dialled at a time, so that this is about memory and not about accepting. */
const dialled = 200

/** Opens keep-alive connections, asks once on each, leaves them open and looks at the server's memory. */
export async function measureIdle(url: URL, count: number, pid: number): Promise<IdleResult> {
  const failures = new Failures()
  const request = getRequest(url, '/health')
  const rssBefore = processUsage(pid)?.rss ?? Number.NaN
  const open: Connection[] = []
  while (open.length < count && failures.count < dialled) {
    const batch = Array.from({ length: Math.min(dialled, count - open.length) }, () => new Connection(url))
    const answers = await Promise.all(batch.map(connection => connection.ask(request)))
    for (const [at, answer] of answers.entries()) if (failures.check(answer)) open.push(batch[at]!)
  }
  await new Promise(resolve => setTimeout(resolve, 300))
  const rssWith = processUsage(pid)?.rss ?? Number.NaN
  for (const connection of open) connection.close()
  return {
    connections: open.length,
    errors: failures.count,
    problems: failures.text,
    rssBefore,
    rssWith,
    kilobytesEach: ((rssWith - rssBefore) * 1000) / open.length,
  }
}
