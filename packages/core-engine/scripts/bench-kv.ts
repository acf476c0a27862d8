/**
 * 100,000 requests with much prefix reuse through 1,000 blocks of 16 tokens: cost per request (hash, look up, store,
 * evict, free, events built and dropped) in ten parts, which should be alike, and what is left at the end. Then the
 * memory of a pool of ten million blocks, empty and with a million of them cached.
 */
import { RealClock, SeededRandom } from '@vllm-sim/latency'
import { type Allocation, BlockPool, FnvHasher, type PromptBlocks, Sha256CborHasher } from '../src/kv/index.ts'

const clock = new RealClock()
const print = (line: string) => process.stdout.write(`${line}\n`)

function reuse(name: string, pool: BlockPool, requests: number, events: () => number): void {
  const random = new SeededRandom([1, 2, 3, 4])
  // 20 system prompts of 256 tokens, each with 50 documents of 256, and a question of 64 of its own.
  const part = (seed: number, length: number) =>
    Uint32Array.from({ length }, (_, i) => (seed * 7919 + i * 31) % 100_000)
  const running: Allocation[] = []
  let hits = 0
  const costs: number[] = []
  for (let tenth = 0; tenth < 10; tenth++) {
    let spent = 0
    for (let i = 0; i < requests / 10; i++) {
      const system = random.int(0, 19)
      const tokenIds = new Uint32Array(576)
      tokenIds.set(part(system, 256), 0)
      tokenIds.set(part(1000 + system * 50 + random.int(0, 49), 256), 256)
      tokenIds.set(part(100_000 + tenth * requests + i, 64), 512)
      const start = clock.now()
      if (running.length >= 20) pool.free(running.shift()!)
      const blocks = pool.hash({ tokenIds }, 'model')
      while (!pool.canAllocate(blocks)) pool.free(running.shift()!)
      const allocation = pool.allocate(blocks)
      spent += clock.now() - start
      running.push(allocation)
      hits += allocation.hits
    }
    costs.push((spent / (requests / 10)) * 1000)
  }
  for (const allocation of running) pool.free(allocation)
  print(`${name}, ${requests} requests of 36 blocks through ${pool.size}`)
  print(`  µs per request, by tenths: ${costs.map(cost => cost.toFixed(1)).join(' ')}`)
  print(
    `  hits ${((hits / requests / 36) * 100).toFixed(1)} %, events ${events()}, left in use ${pool.referencedBlocks}`,
  )
}

let heard = 0
const emit = () => {
  heard++
}
reuse('FNV', new BlockPool({ size: 1000, blockSize: 16, hasher: new FnvHasher(), emit }), 100_000, () => heard)
heard = 0
reuse(
  'sha256_cbor',
  new BlockPool({ size: 1000, blockSize: 16, hasher: new Sha256CborHasher('0'), emit }),
  20_000,
  () => heard,
)

const memory = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
const base = memory()
const large = new BlockPool({ size: 10_000_000, blockSize: 16, hasher: new FnvHasher() })
print(`pool of 10,000,000 blocks, empty: ${((memory() - base) / 1024).toFixed(0)} KiB`)
const words = new Uint32Array(2)
const noRest = { end: { low: 0, high: 0 }, restKeys: undefined }
const blocks: PromptBlocks = { model: 'model', count: 1, words, tokenIds: [], extraKeys: undefined, ...noRest }
for (let i = 0; i < 1_000_000; i++) {
  words[0] = Math.imul(i, 0x9e3779b1) >>> 0
  words[1] = i
  large.free(large.allocate(blocks))
}
print(`with 1,000,000 cached: ${((memory() - base) / large.cachedBlocks).toFixed(0)} bytes a block`)
