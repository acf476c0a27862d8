import { FnvHasher, PrefixCache } from '@vllm-sim/core-engine'
import { SeededRandom } from '@vllm-sim/latency'
import { cpuTime } from '../measure/cpu-time.ts'
import { buildEngine, CountingSink, constantLatency, request } from './build.ts'
import type { EngineFigures } from './figures.ts'

const requests = 100_000
const blocks = 1000
const blockSize = 16
/** Requests that run at the same time and hold their blocks. */
const slots = 20
/** 20 system prompts, each with 50 documents, and a question of its own; all in tokens. */
const shape = { systems: 20, system: 256, documents: 50, document: 256, question: 64 }

/** Requests with shared prefixes through a small cache, in ten parts which should cost alike. */
export function measurePrefixes(): EngineFigures[] {
  let queried = 0
  let hit = 0
  const cache = new PrefixCache({ size: blocks, blockSize, hasher: new FnvHasher() })
  const { engine, clock } = buildEngine({
    slots,
    latency: constantLatency(1, 0),
    cache,
    observers: [
      {
        onPrefixLookup(asked, found) {
          queried += asked
          hit += found
        },
      },
    ],
  })
  const sink = new CountingSink()
  const random = new SeededRandom([1, 2, 3, 4])
  const tenths: number[] = []
  for (let tenth = 0; tenth < 10; tenth++) {
    let spent = 0
    for (let at = 0; at < requests / 10; at += slots) {
      const prompts = Array.from({ length: slots }, (_, i) => promptIds(random, tenth * requests + at + i))
      const start = cpuTime()
      for (const ids of prompts) engine.submit(request(ids, 1, clock.now()), sink)
      clock.runAll()
      spent += cpuTime() - start
    }
    tenths.push((spent * 10_000) / requests)
  }
  if (sink.finished !== requests) throw new Error(`${sink.finished} of ${requests} requests ended`)
  return [
    {
      title: `${requests.toLocaleString('en')} requests of 576 tokens through ${blocks.toLocaleString('en')} blocks, engine alone`,
      values: {
        firstTenth: tenths[0]!,
        lastTenth: tenths.at(-1)!,
        hitPercent: (100 * hit) / queried,
        blocksLeft: engine.snapshot().cacheUsage * blocks,
      },
    },
  ]
}

function promptIds(random: SeededRandom, question: number): Uint32Array {
  const system = random.int(0, shape.systems - 1)
  const document = 1000 + system * shape.documents + random.int(0, shape.documents - 1)
  const ids = new Uint32Array(shape.system + shape.document + shape.question)
  fill(ids, 0, shape.system, system)
  fill(ids, shape.system, shape.document, document)
  fill(ids, shape.system + shape.document, shape.question, 100_000 + question)
  return ids
}

function fill(ids: Uint32Array, from: number, length: number, seed: number): void {
  for (let at = 0; at < length; at++) ids[from + at] = (seed * 7919 + at * 31) % 100_000
}
