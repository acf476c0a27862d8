/**
 * The publisher's side of check_python.py. The first argument is the publisher's options as JSON. It says where it is
 * as one line of JSON, then obeys lines: `clear`, `prompt <n>` (n distinct blocks, as one event), `queue <n>` (the same, but not sent), `close`.
 */
import { createInterface } from 'node:readline'
import { KvEventPublisher } from '@vllm-sim/kv-events'

const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`)
const publisher = new KvEventPublisher({
  ...JSON.parse(process.argv[2]!),
  onProblem: problem => process.stderr.write(`${problem}\n`),
})
await publisher.start()
say({ endpoint: publisher.endpoint, replayEndpoint: publisher.replayEndpoint })

let next = 2n ** 64n - 1n
for await (const line of createInterface(process.stdin)) {
  const [command, count] = line.split(' ')
  if (command === 'clear') publisher.onCacheEvent({ type: 'AllBlocksCleared' })
  if (command === 'prompt' || command === 'queue') {
    const hashes = Array.from({ length: Number(count) }, () => next--)
    publisher.onCacheEvent({
      type: 'BlockStored',
      hashes,
      parent: undefined,
      tokenIds: Array.from({ length: 16 * hashes.length }, (_, i) => i),
      blockSize: 16,
      loraId: undefined,
      loraName: undefined,
      extraKeys: [['image', ['other', -3]], ...hashes.slice(1).map(() => undefined)],
    })
  }
  if (command === 'close') break
  if (command !== 'queue') await publisher.flush()
  say({ sequence: publisher.sequence })
}
process.stdin.destroy()
await publisher.close()
