import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** How long a process may take to be ready, and to end, milliseconds. */
const readyLimit = 60_000
const endLimit = 5000

/** A program that runs. */
export interface Running {
  readonly name: string
  readonly url: string
  /** `127.0.0.1:PORT`, as headers name it. */
  readonly address: string
  /** Ends it at once. */
  kill(): Promise<void>
}

/** Starts programs and ends all of them, whatever happens. */
export class Processes {
  readonly #children = new Set<ChildProcess>()

  constructor() {
    process.once('exit', () => this.#signal('SIGKILL'))
  }

  /** Starts a program and waits until it is healthy. @throws Error with the end of its log */
  async start(name: string, port: number, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Running> {
    // A group of its own: npx does not hand signals on, and Ctrl-C is for this program to deal with.
    const child = spawn(command[0]!, command.slice(1), {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.#children.add(child)
    let log = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4000)
    })
    child.once('error', error => {
      log += error.message
      this.#children.delete(child)
    })
    child.once('exit', () => this.#children.delete(child))
    const url = `http://127.0.0.1:${port}`
    for (const end = Date.now() + readyLimit; !(await healthy(url)); ) {
      if (!this.#children.has(child) || Date.now() > end) throw new Error(`${name} is not ready:\n${log}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const kill = async (): Promise<void> => {
      if (!this.#children.has(child)) return
      signalGroup(child, 'SIGKILL')
      await once(child, 'exit')
    }
    return { name, url, address: `127.0.0.1:${port}`, kill }
  }

  /** Ends everything in good order, and by force what takes too long. */
  async stop(): Promise<void> {
    const ended = [...this.#children].map(child => once(child, 'exit'))
    this.#signal('SIGTERM')
    const force = setTimeout(() => this.#signal('SIGKILL'), endLimit)
    await Promise.all(ended)
    clearTimeout(force)
  }

  #signal(signal: NodeJS.Signals): void {
    for (const child of this.#children) signalGroup(child, signal)
  }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // It has ended already.
  }
}

async function healthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok
  } catch {
    return false
  }
}

/** The first of `count` neighbouring ports on which nothing listens at this moment. */
export async function freePorts(count = 1): Promise<number> {
  for (;;) {
    const held: Server[] = []
    try {
      held.push(await listen(0))
      const { port } = held[0]!.address() as { port: number }
      for (let next = 1; next < count; next++) held.push(await listen(port + next))
      return port
    } catch {
      // A neighbour is taken.
    } finally {
      for (const server of held) server.close()
    }
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
