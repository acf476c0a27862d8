import { parseArgs } from 'node:util'
import { type MachineUse, watchMachine } from '../measure/machine.ts'
import { type ConnectResult, type IdleResult, measureConnect, measureIdle } from './connections.ts'
import { type DisturbanceResult, disturb } from './disturbance.ts'
import { measureGrpcStreams, measureGrpcUnary } from './grpc.ts'
import { measureQueue, type QueueResult } from './queue.ts'
import { untilReady } from './ready.ts'
import { chatRequest } from './request.ts'
import { measureStreams, type StreamResult } from './streams.ts'
import { measureUnary, type UnaryResult } from './unary.ts'

export const loadHelp = `Usage: main.ts load --url URL [options]

Measures a server that speaks the OpenAI protocol and prints one line of JSON.

  --url URL            the server; a path in it goes before /v1/chat/completions
  --mode MODE          unary: requests back to back on --count connections for --seconds
                       stream: --count streams of --tokens tokens, compared with --ttft and --itl
                       grpc-unary: calls back to back, --count at a time on 4 connections, for --seconds
                       grpc-stream: as stream, but gRPC calls on one connection
                       connect: --count connections at once
                       idle: memory of --count connections that stay open (needs --pid)
                       queue: --count requests that wait (needs --pid; a server with 1 slot and a long --ttft)
  --pid N              server process on this machine: its CPU time and memory are measured too
  --model NAME         default m
  --count N            connections, streams or requests; default 32
  --tokens N           tokens per answer; default 16
  --seconds S          unary: how long; default 4
  --ttft MS, --itl MS  the times that the server is configured with; default 0 (as fast as it can)
  --rounds N           streams that each connection reads one after the other; default 1
  --spread MS          streams begin over this time; default 7 times --itl
  --prompt BYTES       size of the prompt; default 47
  --header 'N: V'      a further header of each request
  --disturb BYTES      beside the streams, a request with a prompt of this size five times a second
  --await URL          wait until this server is ready, and only then begin
  --warm URL           before that, read as many short streams from this server, so that no code is cold
`

/** Result of `load`. */
export type LoadResult = Partial<UnaryResult & StreamResult & ConnectResult & IdleResult & QueueResult> &
  MachineUse & {
    readonly errors: number
    readonly problems: string
    /** CPU time of the server, microseconds. */
    readonly cpuPerRequest?: number
    readonly cpuPerChunk?: number
    readonly kernelPerChunk?: number
    readonly disturbance?: DisturbanceResult
  }

/** Options of `load`, as given on its command line. */
export interface LoadOptions {
  url: string
  mode: string
  pid?: number
  model?: string
  count?: number
  tokens?: number
  seconds?: number
  ttft?: number
  itl?: number
  rounds?: number
  spread?: number
  prompt?: number
  header?: string
  disturb?: number
  await?: string
  warm?: string
}

/** Streams of `--warm`: how often, and tokens of each. */
const warmRounds = 3
const warmTokens = 10

/** Runs the load client. @param argv the arguments after `load` */
export async function loadCommand(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv)
  if (!options) {
    process.stdout.write(loadHelp)
    return
  }
  process.stdout.write(`${JSON.stringify(await load(options))}\n`)
}

/** Measures as the options say. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const url = new URL(options.url)
  const pid = options.pid ?? 0
  const count = options.count ?? 32
  const tokens = options.tokens ?? 16
  const pace = { ttft: options.ttft ?? 0, itl: options.itl ?? 0 }
  const question = {
    url,
    model: options.model ?? 'm',
    tokens,
    stream: options.mode === 'stream' || options.mode === 'queue',
    ...(options.header === undefined ? undefined : { header: options.header }),
  }
  const request = chatRequest(options.prompt === undefined ? question : { ...question, promptBytes: options.prompt })
  const streamOptions = {
    request,
    streams: count,
    rounds: options.rounds ?? 1,
    tokens,
    pace,
    spread: options.spread ?? 7 * pace.itl,
  }
  if (options.warm) {
    const few = Math.min(tokens, warmTokens)
    const warm = { ...streamOptions, url: new URL(options.warm), request: chatRequest({ ...question, tokens: few }) }
    for (let round = 0; round < warmRounds; round++) await measureStreams({ ...warm, tokens: few })
  }
  if (options.await) await untilReady(new URL(options.await), 60_000)
  const end = watchMachine(pid)
  const finish = <T extends { errors: number; problems: string }>(
    result: T,
    units?: { chunks?: number; requests: number },
  ): LoadResult => {
    const use = end()
    return { ...result, ...use, ...perUnit(use, units) }
  }
  switch (options.mode) {
    case 'unary': {
      const result = await measureUnary({ url, request, connections: count, seconds: options.seconds ?? 4 })
      return finish(result, result)
    }
    case 'stream': {
      const disturbance = options.disturb
        ? disturb(url, chatRequest({ ...question, tokens: 1, stream: false, promptBytes: options.disturb }))
        : undefined
      const result = await measureStreams({ ...streamOptions, url })
      const measured = finish(result, result)
      return disturbance ? { ...measured, disturbance: await disturbance.stop() } : measured
    }
    case 'grpc-unary': {
      const seconds = options.seconds ?? 4
      const result = await measureGrpcUnary({ url, tokens, inFlight: count, connections: 4, seconds })
      return finish(result, result)
    }
    case 'grpc-stream': {
      const result = await measureGrpcStreams({ ...streamOptions, url })
      return finish(result, result)
    }
    case 'connect':
      return finish(await measureConnect(url, count))
    case 'idle':
      return finish(await measureIdle(url, count, pid))
    case 'queue':
      return finish(await measureQueue(url, request, count, pid))
    default:
      throw new Error(
        `--mode must be unary, stream, grpc-unary, grpc-stream, connect, idle or queue, got ${JSON.stringify(options.mode)}`,
      )
  }
}

function perUnit(
  { serverCpu, serverKernel }: MachineUse,
  units: { chunks?: number; requests: number } | undefined,
): { cpuPerRequest?: number; cpuPerChunk?: number; kernelPerChunk?: number } {
  if (serverCpu === undefined || !units) return {}
  if (units.chunks === undefined) return { cpuPerRequest: (serverCpu * 1e6) / units.requests }
  return {
    cpuPerChunk: (serverCpu * 1e6) / units.chunks,
    kernelPerChunk: ((serverKernel ?? Number.NaN) * 1e6) / units.chunks,
  }
}

const numbers = ['pid', 'count', 'tokens', 'seconds', 'ttft', 'itl', 'rounds', 'spread', 'prompt', 'disturb'] as const
const texts = ['url', 'mode', 'model', 'header', 'await', 'warm'] as const

/** @returns undefined when help was asked for. @throws Error that names a bad option */
function readOptions(argv: readonly string[]): LoadOptions | undefined {
  const types = Object.fromEntries([...numbers, ...texts].map(name => [name, { type: 'string' as const }]))
  const { values } = parseArgs({ args: [...argv], options: { ...types, help: { type: 'boolean', short: 'h' } } })
  if (values['help']) return undefined
  const given = values as Readonly<Record<string, string | undefined>>
  if (given['url'] === undefined) throw new Error('load needs --url, for example --url http://127.0.0.1:8000')
  const options: Record<string, string | number> = { mode: 'unary' }
  for (const name of texts) if (given[name] !== undefined) options[name] = given[name]
  for (const name of numbers) {
    if (given[name] === undefined) continue
    const value = Number(given[name])
    if (!(value >= 0)) throw new Error(`--${name} must be a number from 0 up, got ${JSON.stringify(given[name])}`)
    options[name] = value
  }
  return options as unknown as LoadOptions
}
