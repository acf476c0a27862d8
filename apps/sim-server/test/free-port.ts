import { createServer } from 'node:net'

/** Below the ports that the system hands out by itself, and far from those of other test files at the same time. */
const ports = { first: 10_000, last: 31_999 }
let nextPort = ports.first + ((process.pid * 101) % 20_000)

/** The first of `count` neighbouring ports that nobody listens on; not given out again by this file. */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    if (nextPort + count > ports.last) nextPort = ports.first
    const first = nextPort
    nextPort += count
    const free = await Promise.all(Array.from({ length: count }, (_, at) => isFree(first + at)))
    if (free.every(one => one)) return first
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
