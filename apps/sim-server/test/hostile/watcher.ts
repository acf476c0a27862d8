import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/** What the worker is told: the server's address and process. */
export interface Watched {
  readonly port: number
  readonly pid: number
}

/** `begin` forgets what was seen; `report` asks for it; `stream` starts a stream that is watched from then on. */
export type Order = 'begin' | 'report' | 'stream'

/** The worst that was seen since `begin`. */
export interface Seen {
  /** Longest wait of `/health` on a connection that stays, in milliseconds. */
  readonly health: number
  /** The same, each time on a new connection. */
  readonly fresh: number
  /** Longest time between two tokens of the watched stream, in milliseconds; 0 without one. */
  readonly stream: number
  /** Largest resident memory of the process and its children, in bytes; 0 where the system does not tell. */
  readonly memory: number
}

const { port, pid } = workerData as Watched

/** Milliseconds on a processor of the server's main thread; Infinity where the system does not tell. */
function busy(): number {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10 // clock ticks of a hundredth of a second
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Of a process and those that it started. */
function residentBytes(process: number | string = pid): number {
  try {
    const own = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${process}/status`, 'latin1'))?.[1] ?? 0) * 1024
    const children = readFileSync(`/proc/${process}/task/${process}/children`, 'latin1').match(/\d+/g) ?? []
    return children.reduce((sum, child) => sum + residentBytes(child), own)
  } catch {
    return 0
  }
}

/**
 * How long somebody waited. Time in which the server itself did not run is not its fault (the machine has other work), so
 * that the smaller one counts: the time that passed, or what its main thread worked meanwhile. A thread that is stuck works.
 */
class Wait {
  #since = 0
  #busy = 0
  worst = 0

  start(): void {
    this.#since = performance.now()
    this.#busy = busy()
  }

  stop(): void {
    if (this.#since === 0) return
    const worked = busy() - this.#busy
    const passed = performance.now() - this.#since
    this.worst = Math.max(this.worst, Number.isNaN(worked) ? passed : Math.min(passed, worked))
    this.#since = 0
  }

  /** Counts what has been waited so far. */
  look(): void {
    const since = this.#since
    this.stop()
    this.#since = since
  }
}

const waits = { health: new Wait(), fresh: new Wait(), stream: new Wait() }
let memory = 0

const question = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'
const ask = (socket: Socket, wait: Wait): void => {
  wait.start()
  socket.write(question)
}

function keepAsking(): void {
  const socket = connect(port, '127.0.0.1', () => ask(socket, waits.health))
  socket.on('data', () => {
    waits.health.stop()
    setTimeout(() => socket.writable && ask(socket, waits.health), 5)
  })
  socket.on('error', () => {}).on('close', () => setTimeout(keepAsking, 20))
}

function askAnew(): void {
  waits.fresh.start()
  const socket = connect(port, '127.0.0.1', () => socket.write(question))
  let answered = false
  socket.on('data', () => {
    answered = true
    waits.fresh.stop()
    socket.destroy()
  })
  socket.on('error', () => {}).on('close', () => setTimeout(askAnew, answered ? 10 : 20))
}

let stream: Socket | undefined

function watchStream(): void {
  stream?.destroy()
  const body = JSON.stringify({ model: 'm', prompt: 'x', max_tokens: 1000, ignore_eos: true, stream: true })
  const head = `POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`
  const socket = connect(port, '127.0.0.1', () => socket.write(head + body))
  stream = socket
  waits.stream.start()
  socket.on('data', data => {
    waits.stream.stop()
    if (data.includes('[DONE]')) socket.destroy()
    else waits.stream.start()
    parentPort!.postMessage('flows')
  })
  socket.on('error', () => {})
}

keepAsking()
askAnew()
setInterval(() => {
  memory = Math.max(memory, residentBytes())
}, 5)

parentPort!.on('message', (order: Order) => {
  if (order === 'stream') return watchStream()
  for (const wait of Object.values(waits)) {
    wait.look()
    if (order === 'begin') wait.worst = 0
  }
  memory = Math.max(order === 'begin' ? 0 : memory, residentBytes())
  const seen = { health: waits.health.worst, fresh: waits.fresh.worst, stream: waits.stream.worst, memory }
  parentPort!.postMessage(seen satisfies Seen)
})
