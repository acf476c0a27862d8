import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { freePort, start } from '../servers/start.ts'
import { flags, type System } from '../servers/systems.ts'
import { Inspector } from './inspector.ts'
import { type Step, walk } from './walk.ts'

const main = fileURLToPath(new URL('../../../apps/sim-server/src/main.ts', import.meta.url))

/** Requests before the one that is looked at. */
const warmUp = 5

/**
 * Lists the files ("rooms") that one warm streamed chat request enters, in order, with the number of
 * entries from other files before it waits for its first token, and those files: `main.ts rooms`.
 */
export async function roomsCommand(): Promise<void> {
  const inspected = await freePort()
  const inspect = `--inspect=127.0.0.1:${inspected}`
  const system: System = {
    name: 'server',
    command: (...given) => [process.execPath, inspect, main, ...flags(...given)],
  }
  const running = await start(system, { ttft: 200, itl: 2 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const inspector = await Inspector.open(inspected)
    for (let at = 0; at < warmUp; at++) await chat(running.url, agent)
    print(await walk(inspector, () => chat(running.url, agent)))
    inspector.close()
  } finally {
    agent.destroy()
    await running.stop()
  }
}

function chat(url: URL, agent: Agent): Promise<void> {
  const body = JSON.stringify({
    model: 'm',
    stream: true,
    max_tokens: 8,
    messages: [{ role: 'user', content: 'How many rooms has this house?' }],
  })
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    request(new URL('/v1/chat/completions', url), { method: 'POST', agent, headers }, response => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
      response.resume().once('end', resolve)
    })
      .once('error', reject)
      .end(body)
  })
}

interface Room {
  readonly callers: Set<string>
  /** Entries from another file before the request waits for its first token. */
  visits: number
}

function print(steps: readonly Step[]): void {
  const down = wayDown(steps)
  const rooms = new Map<string, Room>()
  for (const [at, { file, from }] of steps.entries()) {
    const room = rooms.get(file) ?? { callers: new Set(), visits: 0 }
    rooms.set(file, room)
    if (from === file) continue
    room.callers.add(from ?? 'Node')
    if (at < down) room.visits++
  }
  for (const [file, { callers, visits }] of rooms) {
    process.stdout.write(`${visits === 0 ? '-' : visits} ${short(file)} ← ${[...callers].map(short).join(', ')}\n`)
  }
  const entered = [...rooms.values()].filter(({ visits }) => visits > 0).length
  process.stdout.write(`${rooms.size} files, ${entered} of them on the way down; ${steps.length} calls\n`)
}

/** How many steps there are before the longest pause, which is the time to the first token. */
function wayDown(steps: readonly Step[]): number {
  let longest = 0
  let place = 0
  for (let at = 1; at < steps.length; at++) {
    const pause = steps[at]!.at - steps[at - 1]!.at
    if (pause < longest) continue
    longest = pause
    place = at
  }
  return place
}

/** A path without what all of them have. */
function short(file: string): string {
  return file
    .replace(/^(packages|apps)\//, '')
    .replace('/src/', '/')
    .replace(/\.ts$/, '')
}
