// Prefill and decode on different servers, on one machine: `pnpm demo:pd --help`.
import { parseArgs } from 'node:util'
import { Processes } from './processes.ts'
import { counters, Transfers, timeline } from './report.ts'
import { type Answer, ask, bodyOf, headersOf, Router } from './requests.ts'
import { type Stack, startStack } from './stack.ts'

const help = `Usage: pnpm demo:pd [options]

Starts two prefilling servers, a decoding one and the sidecar as processes of their own, sends some requests, and shows
where each prompt was prefilled and how its KV blocks came to the decoder.

  --connector NAME   the sidecar's --kv-connector; default nixlv2. With others a transfer is a delay
  --encode           an encoding server too, and requests with an image
  --ranks N          data-parallel ranks of the decoder; default 1
  --kill prefiller   ends a prefilling server after the second request
  --once             ends afterwards; otherwise everything runs until Ctrl-C
  --npx              the programs as npx finds them, not from the sources
`

const prompts = [
  'Tell me in a few words why a prompt is read at once and an answer is written word by word.',
  'What does a server keep of a prompt that it has read, and how large is that?',
  'Why would one want to read prompts on one machine and to write answers on another?',
  'What has to travel between the two, and who carries the address of it?',
]

const print = (text: string): void => void process.stdout.write(text)

// Who closes its pipe wants to see no more, and that all ends.
process.stdout.on('error', () => process.exit(1))

const { values } = parseArgs({
  args: process.argv.slice(process.argv[2] === '--' ? 3 : 2),
  options: {
    connector: { type: 'string', default: 'nixlv2' },
    encode: { type: 'boolean', default: false },
    ranks: { type: 'string', default: '1' },
    kill: { type: 'string' },
    once: { type: 'boolean', default: false },
    npx: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
})

if (values.help) print(help)
else process.exitCode = await demo()

async function demo(): Promise<number> {
  const { connector, encode, once, npx, kill } = values
  const ranks = Number(values.ranks)
  if (!Number.isInteger(ranks) || ranks < 1)
    return refuse(`--ranks must be a whole number from 1 up, got ${values.ranks}`)
  if (kill !== undefined && kill !== 'prefiller') return refuse(`--kill must be prefiller, got ${kill}`)
  const processes = new Processes()
  const interrupted = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
  })
  try {
    const work = startStack(processes, { connector, encode, ranks, npx }).then(stack =>
      show(stack, kill === 'prefiller'),
    )
    // Broken off, it fails as a consequence.
    work.catch(() => {})
    const outcome = await Promise.race([work, interrupted])
    if (!outcome) return 130
    if (!once) {
      print(`\nCtrl-C ends it. To go on:\n\n${outcome.curl}\n`)
      await interrupted
    }
    return outcome.failures === 0 ? 0 : 1
  } catch (error) {
    return refuse((error as Error).message)
  } finally {
    await processes.stop()
  }
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n`)
  return 1
}

/** Sends the requests and tells of them. */
async function show(stack: Stack, kill: boolean): Promise<{ failures: number; curl: string }> {
  for (const { name, address } of [...stack.prefillers, ...stack.decoders, ...stack.sidecars]) {
    print(`${name.padEnd(20)}${address}\n`)
  }
  const router = new Router(stack.prefillers)
  const transfers = new Transfers()
  const answers: Answer[] = []
  for (const [at, prompt] of prompts.entries()) {
    if (kill && at === 2) {
      await transfers.look(stack)
      await stack.prefillers[0]!.kill()
      print(`\n${stack.prefillers[0]!.name} was killed.\n`)
    }
    answers.push(await ask(stack, prompt, router, at))
  }
  const pairs = await transfers.pairs(stack)
  print('\n')
  for (const [at, answer] of answers.entries()) {
    // The decoder got it while its client waited.
    const pair = pairs.find(({ decode }) => within(decode.arrived_at, answer))
    print(`${timeline(at + 1, answer, pair)}\n`)
  }
  print(await counters(stack))
  const failures = answers.filter(({ problem }) => problem !== undefined).length
  const prefiller = stack.prefillers.at(-1)!.address
  const headers = Object.entries(headersOf(stack, prefiller)).map(([name, value]) => `-H '${name}: ${value}'`)
  const body = JSON.stringify(bodyOf('Hello!', stack.encoder !== undefined))
  const curl = `curl -N ${stack.sidecars[0]!.url}/v1/chat/completions ${headers.join(' ')} -d '${body}'`
  return { failures, curl }
}

function within(time: number, { sentAt, endedAt }: Answer): boolean {
  // Clocks of two processes differ by less than a millisecond.
  return time >= sentAt - 1 && time <= endedAt + 1
}
