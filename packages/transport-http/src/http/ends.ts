import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@vllm-sim/core-engine'
import { SlicedWork } from './sliced-work.ts'

/** What Node's server does when a client has closed its side. */
const onEnd = Symbol('on end')
type Served = Socket & { [onEnd]?: () => void }

/** Ends connections in turns of the event loop that have time left: thousands may be closed at the same moment. */
export function endInTurns(server: Server, clock: Clock): void {
  const ends = new SlicedWork<Served>(clock, socket => socket.destroyed || socket[onEnd]!())
  // One function for all connections: closures are most of what one would cost.
  function later(this: Socket): void {
    ends.add(this)
  }
  const [serve] = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection').on('connection', (socket: Served) => {
    serve!.call(server, socket)
    const own = socket.listeners('end').at(-1) as () => void
    socket[onEnd] = own
    socket.off('end', own).on('end', later)
  })
}
