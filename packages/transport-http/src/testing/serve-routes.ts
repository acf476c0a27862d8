import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ApiContext } from '../context.ts'
import type { Route } from '../routing/route.ts'

/** The part of a context that routes without generation use; the log is silent. */
export const quietContext: Pick<ApiContext, 'settings' | 'log'> = {
  settings: { maxBodyBytes: 1 << 20 } as ApiContext['settings'],
  log: { debug() {}, info() {}, warn() {}, error() {} },
}

/** Serves some routes on a free port and hands `run` a fetch for their paths. */
export async function withRoutes(
  routes: readonly Route[],
  run: (call: (method: string, target: string, body?: unknown) => Promise<Response>) => Promise<void>,
): Promise<void> {
  const server = createServer((req, res) => {
    const path = req.url!.split('?')[0]
    const route = routes.find(one => one.method === req.method && one.path === path)
    if (route) route.handle(req, res)
    else res.writeHead(404).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    await run((method, target, body) =>
      fetch(`http://127.0.0.1:${port}${target}`, {
        method,
        ...(body === undefined ? undefined : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
  } finally {
    await new Promise(resolve => server.close(resolve))
  }
}
