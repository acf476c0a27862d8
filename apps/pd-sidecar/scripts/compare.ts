// Sends the same requests through this sidecar and another one, to mocks that keep what they were sent, and prints what differs in
// legs and answers: node apps/pd-sidecar/scripts/compare.ts '<command of the other sidecar>' [--all]. Differences that are meant stand
// in scenarios.ts and docs/pd-sidecar.md; --all shows them, too.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { known, type Scenario, scenarios } from './scenarios.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const [other] = process.argv.slice(2)
if (other === undefined) {
  process.stderr.write("usage: node apps/pd-sidecar/scripts/compare.ts '<command of the other sidecar>' [--all]\n")
  process.exit(2)
}

/** A request as a mock saw it. */
interface Leg {
  readonly to: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: unknown
}

/** What came of a scenario. */
interface Outcome {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: unknown
  readonly legs: readonly Leg[]
}

const legs: Leg[] = []
let current: Scenario
let calls: Record<string, number> = {}

/** Starts a mock of a part: prefiller, decoder, encoder. */
async function mock(name: 'P' | 'D' | 'E' | 'Q'): Promise<number> {
  const server = createServer(async (req, res) => {
    const pieces: Buffer[] = []
    for await (const piece of req) pieces.push(piece as Buffer)
    const text = Buffer.concat(pieces).toString()
    const index = calls[name] ?? 0
    calls[name] = index + 1
    legs.push({ to: name, method: req.method!, url: req.url!, headers: shown(req.headers), body: parsed(text) })
    answer(res, current[name]?.[index] ?? current[name]?.at(-1) ?? defaults[name])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return (server.address() as AddressInfo).port
}

const defaults = {
  P: {
    body: {
      kv_transfer_params: {
        remote_block_ids: [1, 2, 3],
        remote_engine_id: 'e',
        remote_host: 'ahost',
        remote_port: 4032,
      },
      usage: { prompt_tokens: 64, completion_tokens: 1, total_tokens: 65, prompt_tokens_details: { cached_tokens: 7 } },
    },
  },
  D: {
    body: {
      id: 'chatcmpl-1',
      choices: [],
      usage: {
        prompt_tokens: 64,
        completion_tokens: 1,
        total_tokens: 65,
        prompt_tokens_details: { cached_tokens: 49 },
      },
    },
  },
  E: { body: { ec_transfer_params: { h: { peer_port: 1 } } } },
  Q: { body: { 0: { engine_id: 'e0' } } },
}

function answer(
  res: ServerResponse,
  { status = 200, headers = {}, body }: { status?: number; headers?: Record<string, string>; body: unknown },
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const noise = new Set([
  'date',
  'connection',
  'keep-alive',
  'host',
  'content-length',
  'transfer-encoding',
  'x-forwarded-for',
])

function shown(headers: IncomingHttpHeaders): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !noise.has(name)))
}

/** Ids, rooms and ports become words: they differ from run to run. */
function normalized<T>(value: T, ports: Readonly<Record<string, number>>): T {
  const names = new Map(Object.entries(ports).map(([name, port]) => [String(port), `<${name}>`]))
  const text = (one: string): string =>
    one.replace(ids, '<id>').replace(/\d{4,5}/g, digits => names.get(digits) ?? digits)
  const walk = (one: unknown, key = ''): unknown => {
    if (typeof one === 'string') return text(one)
    if (typeof one === 'number') return key === 'bootstrap_room' ? '<room>' : (names.get(String(one)) ?? one)
    if (Array.isArray(one)) return one.map(element => walk(element))
    if (typeof one !== 'object' || one === null) return one
    return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, walk(inner, name)]))
  }
  return walk(value) as T
}

const ids = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Starts a sidecar on a free port; those of further ranks, behind it, may be taken, so there are some attempts. */
async function start(
  command: readonly string[],
  flags: readonly string[],
  decoder: number,
): Promise<[ChildProcess, number]> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort()
    const child = await startOn(port, command, flags, decoder)
    if (child !== undefined) return [child, port]
  }
  throw new Error(`${command.join(' ')} ${flags.join(' ')} did not start`)
}

async function startOn(
  port: number,
  command: readonly string[],
  flags: readonly string[],
  decoder: number,
): Promise<ChildProcess | undefined> {
  const [program = '', ...args] = command
  const child = spawn(
    program,
    [...args, `--port=${port}`, `--model-server-port=${decoder}`, '--secure-proxy=false', ...flags],
    {
      stdio: 'ignore',
      env: { ...process.env, POD_IP: '127.0.0.1' },
    },
  )
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise(resolve =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    )
    socket.destroy()
    if (open) return child
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return undefined
}

async function send(scenario: Scenario, port: number, ports: Readonly<Record<string, number>>): Promise<Outcome> {
  current = scenario
  calls = {}
  legs.length = 0
  const { method = 'POST', path = '/v1/chat/completions', headers = {}, body } = scenario
  const filled = Object.entries(headers).map(([name, value]) => [
    name,
    [value].flat().map(one => one.replace(/<(\w)>/g, (_, mockName: string) => String(ports[mockName]))),
  ])
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const req = request({ host: '127.0.0.1', port, method, path, headers: Object.fromEntries(filled), agent: false })
  req.end(method === 'GET' ? undefined : text)
  const [res] = await once(req, 'response')
  let answered = ''
  try {
    for await (const piece of res) answered += piece
  } catch {
    answered += '<broken off>'
  }
  // Background legs.
  await new Promise(resolve => setTimeout(resolve, scenario.settle ?? 0))
  const order = [...legs].sort((a, b) => a.to.localeCompare(b.to))
  return { status: res.statusCode, headers: shown(res.headers), body: parsed(answered), legs: order }
}

function differences(path: string, ours: unknown, theirs: unknown): string[] {
  if (isDeepStrictEqual(ours, theirs)) return []
  const both = [ours, theirs].every(one => typeof one === 'object' && one !== null)
  if (!both) return [`  ${path}: ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}`]
  const names = new Set([...Object.keys(ours as object), ...Object.keys(theirs as object)])
  return [...names].flatMap(name =>
    differences(`${path}.${name}`, (ours as Record<string, unknown>)[name], (theirs as Record<string, unknown>)[name]),
  )
}

let different = 0
const mocks = { P: await mock('P'), D: await mock('D'), E: await mock('E'), Q: await mock('Q') }
const groups = Map.groupBy(scenarios, one => JSON.stringify(one.flags ?? []))
for (const [key, group] of groups) {
  const flags = (JSON.parse(key) as string[]).map(flag =>
    flag.replace(/<(\w)>/g, (_, name: 'P' | 'D' | 'E' | 'Q') => String(mocks[name])),
  )
  const decoder = group[0]!.noDecoder ? 1 : mocks.D
  const children: ChildProcess[] = []
  try {
    const outcomes: Outcome[][] = []
    for (const command of [[process.execPath, main], other.split(' ')]) {
      const [child, port] = await start(command, flags, decoder)
      children.push(child)
      const of: Outcome[] = []
      for (const scenario of group) of.push(normalized(await send(scenario, port, mocks), { ...mocks, port }))
      outcomes.push(of)
    }
    for (const [at, { name }] of group.entries()) {
      const found = differences('', outcomes[0]![at], outcomes[1]![at])
      const title = [...(JSON.parse(key) as string[]), name].join(' ')
      const unknown = found.filter(line => !known.some(one => one.where.test(`${title}${line}`)))
      if (unknown.length > 0) different++
      const word = unknown.length > 0 ? 'DIFFERENT' : found.length > 0 ? 'meant    ' : 'same     '
      const lines = process.argv.includes('--all') ? found : unknown
      process.stdout.write(`${word} ${title}\n${lines.map(line => `${line}\n`).join('')}`)
    }
  } finally {
    for (const child of children) child.kill('SIGTERM')
    await Promise.all(children.map(child => child.exitCode ?? once(child, 'exit')))
  }
}
process.stdout.write(`${scenarios.length - different} the same or as meant, ${different} different\n`)
process.exit(0)
