import { processUsage } from '../measure/process-usage.ts'
import { Connection } from './connection.ts'
import { Failures } from './failures.ts'
import { getRequest } from './request.ts'

export interface QueueResult {
  /** Requests that waited together. */
  readonly waiting: number
  readonly errors: number
  readonly problems: string
  /** Time until all of them waited, and until none did after all clients had left, microseconds per request. */
  readonly submitMicroseconds: number
  readonly abortMicroseconds: number
  /** CPU time of the server for both, microseconds per request. */
  readonly submitCpu: number
  readonly abortCpu: number
  /** Server memory per waiting request with its connection, kB. */
  readonly kilobytesEach: number
}

/** No state is waited for longer than this, milliseconds. */
const patience = 60_000

/**
 * Sends more requests than a server has slots, looks at what they cost while they wait, and leaves. The server says how
 * many wait in its vLLM metric `vllm:num_requests_waiting`.
 * @param request a stream that is never reached while this runs
 */
export async function measureQueue(url: URL, request: Buffer, count: number, pid: number): Promise<QueueResult> {
  const failures = new Failures()
  const probe = new Connection(url)
  const holder = new Connection(url)
  holder.send(request, undefined, answer => failures.check(answer, 'the request in the only slot ended'))
  await reached(async () => (await gauge(probe, url, 'vllm:num_requests_running')) > 0)
  const before = await waiting(probe, url)
  const usage = processUsage(pid)
  const connections = Array.from({ length: count }, () => new Connection(url))
  let start = performance.now()
  for (let at = 0; at < count; at++) {
    connections[at]!.send(request, undefined, answer => failures.check(answer, answer.problem ?? 'it did not wait'))
    // Let the server accept: what a full backlog costs is measured elsewhere.
    if (at % 100 === 99) await reached(async () => (await waiting(probe, url)) >= before + at - failures.count - 200)
  }
  await reached(async () => (await waiting(probe, url)) >= before + count - failures.count)
  const submitted = performance.now() - start
  const full = processUsage(pid)
  const reachedCount = (await waiting(probe, url)) - before
  start = performance.now()
  for (const connection of connections) connection.close()
  await reached(async () => (await waiting(probe, url)) <= before)
  const aborted = performance.now() - start
  const after = processUsage(pid)
  probe.close()
  holder.close()
  const per = (to: number | undefined, from: number | undefined, factor: number): number =>
    (((to ?? Number.NaN) - (from ?? Number.NaN)) * factor) / reachedCount
  return {
    waiting: reachedCount,
    errors: failures.count,
    problems: failures.text,
    submitMicroseconds: (submitted * 1000) / reachedCount,
    abortMicroseconds: (aborted * 1000) / reachedCount,
    submitCpu: per(full?.cpu, usage?.cpu, 1e6),
    abortCpu: per(after?.cpu, full?.cpu, 1e6),
    kilobytesEach: per(full?.rss, usage?.rss, 1000),
  }
}

function waiting(probe: Connection, url: URL): Promise<number> {
  return gauge(probe, url, 'vllm:num_requests_waiting')
}

async function gauge(probe: Connection, url: URL, name: string): Promise<number> {
  let text = ''
  await probe.ask(getRequest(url, '/metrics'), (buffer, from, to) => {
    text += buffer.toString('latin1', from, to)
  })
  const line = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)
  if (!line) throw new Error(`${url.href}metrics has no ${name}, so its queue cannot be measured`)
  return Number(line[1])
}

async function reached(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`the queue did not reach the wanted length within ${patience / 1000} s`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
