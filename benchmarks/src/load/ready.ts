import { Connection } from './connection.ts'
import { getRequest } from './request.ts'

/** Time between two attempts, milliseconds. */
const pause = 4

/**
 * Asks `GET /health` until it answers 200.
 * @param limit milliseconds
 * @param alive whether the server's process still runs
 * @throws Error when it does not get ready
 */
export async function untilReady(url: URL, limit: number, alive: () => boolean = () => true): Promise<void> {
  const end = performance.now() + limit
  const request = getRequest(url, '/health')
  for (;;) {
    const connection = new Connection(url)
    const { status } = await connection.ask(request)
    connection.close()
    if (status === 200) return
    if (!alive()) throw new Error(`the server for ${url.href} ended before it was ready`)
    if (performance.now() > end) throw new Error(`${url.href}health did not answer 200 within ${limit / 1000} s`)
    await new Promise(resolve => setTimeout(resolve, pause))
  }
}
