import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '@vllm-sim/latency'
import { dispatch, listen, type Protocol } from '@vllm-sim/service'
import { createHttpServer, type Handler } from '@vllm-sim/transport-http'
import { holdHeap, releaseHeap } from '../process/tune-compiler.ts'
import { longestTime, processorTime, progress } from './warm-up-progress.ts'
import { practiceRequest } from './warm-up-requests.ts'

export interface WarmUpOptions {
  /**
   * Endpoints of instances that are thrown away afterwards, served in turn. With one alone V8 takes its objects and
   * functions for the only ones there will ever be, and throws code away when the first real request comes.
   */
  readonly listeners: readonly Handler[]
  /** What else connections may speak; each has to be asked before a connection counts as HTTP. */
  readonly protocols: readonly Protocol[]
  /** The machine's clock. */
  readonly clock: Clock
  /** A model name that the instance serves. */
  readonly model: string
  /** How long it takes on a machine without other work, milliseconds. */
  readonly limit: number
  /** Makes the instances answer with pauses between tokens; they begin without. */
  readonly pace: () => void
  /** V8's flags may be changed meanwhile. */
  readonly tuning: boolean
}

/** Clients at a time; few, so that the heap stays small. */
const clients = 24
/** Requests on one connection. Both what keeps a connection and what opens and ends it is to be practised. */
const perConnection = 4
/** How long the last answers may take after the time is over, milliseconds. They take twenty. */
const patience = 1000
/** Share of the time in which answers come at once, as they do without any latency. */
const unpacedShare = 0.35

/**
 * Sends traffic of our own through a server of our own before the real one opens its port. Cold code makes the first
 * hundreds of streams late by a tenth of a second and more; after this they are late by a few milliseconds.
 */
export async function warmUp({
  listeners,
  protocols,
  clock,
  model,
  limit,
  pace,
  tuning,
}: WarmUpOptions): Promise<void> {
  if (tuning) dropStartUpGarbage()
  let turn = 0
  const server = createHttpServer((req, res) => listeners[turn++ % listeners.length]!(req, res))
  if (protocols.length > 0) dispatch(server, protocols)
  await listen(server, { host: '127.0.0.1', port: 0 })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const progressed = progress(clock, limit, processorTime)
  let paced = false
  const isOver = (): boolean => {
    const now = progressed()
    if (!paced && now >= unpacedShare) {
      paced = true
      pace()
    }
    return now >= 1
  }
  const sockets = new Set<Socket>()
  const client = async (at: number): Promise<void> => {
    for (let sent = at; !isOver(); ) {
      const socket = connect(port, '127.0.0.1')
      sockets.add(socket)
      let left = perConnection
      await converse(socket, () => (left-- > 0 && !isOver() ? practiceRequest(model, sent++) : undefined))
      sockets.delete(socket)
    }
  }
  const overdue = clock.timer(longestTime(limit) + patience, () => {
    for (const socket of sockets) socket.destroy()
  })
  if (tuning) holdHeap()
  await Promise.all(Array.from({ length: clients }, (_, at) => client(at)))
  if (tuning) releaseHeap()
  overdue.cancel()
  server.closeAllConnections()
  await new Promise<void>(resolve => server.close(() => resolve()))
}

/**
 * Gives back the memory that loading and starting left behind, a tenth of an idle server's. V8 offers this collection only
 * to code that sees its `gc` function. It also drops compiled code, so it comes before the warm-up and not after it.
 */
function dropStartUpGarbage(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** The last bytes of an answer: a JSON object, or the end of a stream. */
const ends: readonly Buffer[] = [Buffer.from('}'), Buffer.from('\r\n0\r\n\r\n')]

/** Sends what `next` gives as soon as the answer before it is there, and drops the answers. Resolves at the end. */
function converse(socket: Socket, next: () => string | undefined): Promise<void> {
  const send = (): void => {
    const request = next()
    if (request === undefined) socket.end()
    else socket.write(request)
  }
  socket.on('connect', send)
  socket.on('data', (chunk: Buffer) => {
    if (ends.some(end => chunk.subarray(-end.length).equals(end))) send()
  })
  return new Promise(resolve => {
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
}
