import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { KvEventPublisher } from '../index.ts'

const listener = fileURLToPath(new URL('listener.ts', import.meta.url))
const processes: ChildProcess[] = []
const publishers: KvEventPublisher[] = []
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL')
  for (const publisher of publishers.splice(0)) await publisher.close()
})

function run(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [listener, ...args], { env: { ...process.env, ...env } })
  processes.push(child)
  const output = { out: '', err: '' }
  child.stdout.on('data', data => {
    output.out += data
  })
  child.stderr.on('data', data => {
    output.err += data
  })
  const ended = once(child, 'close').then(([code]) => code as number)
  return { child, output, ended }
}

const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 20 })

async function publisher(endpoint: string, replayEndpoint?: string) {
  const publisher = new KvEventPublisher({ endpoint, topic: 'kv@a:1@m', replayEndpoint })
  publishers.push(publisher)
  await publisher.start()
  return publisher
}

test('prints events of a publisher that connects, and ends with 0 on SIGTERM', async () => {
  const { child, output, ended } = run(['--endpoint', 'tcp://127.0.0.1:*', '--topic', 'kv@'])
  await eventually(() => expect(output.err).toContain('listening on tcp://'))
  const sender = await publisher(/listening on (\S+)/.exec(output.err)![1]!)
  await eventually(async () => {
    sender.onCacheEvent({ type: 'BlockRemoved', hashes: [2n ** 64n - 1n, 5n] })
    await sender.flush()
    expect(output.out).toContain('\n')
  })
  expect(JSON.parse(output.out.split('\n')[0]!)).toMatchObject({
    topic: 'kv@a:1@m',
    type: 'BlockRemoved',
    block_hashes: ['18446744073709551615', '5'],
  })
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('prints what was published before, from the replay endpoint, and ends with 0 on SIGINT', {
  timeout: 120_000,
}, async () => {
  const sender = await publisher('tcp://127.0.0.1:*', 'tcp://127.0.0.1:*')
  const extraKeys = [['image'], undefined]
  const tokenIds = Uint32Array.of(1, 2, 3, 4)
  const lora = { loraId: 1, loraName: 'l' }
  sender.onCacheEvent({ type: 'BlockStored', hashes: [1n, 2n], parent: 3n, tokenIds, blockSize: 2, extraKeys, ...lora })
  sender.onCacheEvent({ type: 'AllBlocksCleared' })
  await sender.flush()
  const { child, output, ended } = run([
    '--connect',
    '--endpoint',
    sender.endpoint!,
    '--replay',
    sender.replayEndpoint!,
  ])
  await eventually(() => expect(output.out.split('\n').length).toBe(3))
  const [stored, cleared] = output.out.split('\n').map(line => line && JSON.parse(line))
  expect(stored).toMatchObject({
    sequence: 0,
    replayed: true,
    type: 'BlockStored',
    block_hashes: ['1', '2'],
    parent_block_hash: '3',
    token_ids: [1, 2, 3, 4],
    block_size: 2,
    lora_id: 1,
    lora_name: 'l',
    medium: 'GPU',
    extra_keys: [['image'], null],
  })
  expect(cleared).toMatchObject({ sequence: 0, type: 'AllBlocksCleared' })
  child.kill('SIGINT')
  expect(await ended).toBe(0)
})

test('says what is wrong', { timeout: 60_000 }, async () => {
  const wrong = run(['--frob'])
  expect([await wrong.ended, wrong.output.err]).toEqual([2, expect.stringContaining("Unknown option '--frob'")])
  const both = run(['--bind', '--connect'])
  expect([await both.ended, both.output.err]).toEqual([2, expect.stringContaining('exclude each other')])
  const port = run([], { ZMQ_PORT: 'http' })
  expect([await port.ended, port.output.err]).toEqual([2, expect.stringContaining('ZMQ_PORT must be a port number')])
  const taken = await publisher('tcp://127.0.0.1:*')
  const bind = run(['--bind', '--endpoint', taken.endpoint!])
  expect([await bind.ended, bind.output.err]).toEqual([1, expect.stringContaining('Choose another port')])
  const help = run(['--help'])
  expect([await help.ended, help.output.out]).toEqual([0, expect.stringContaining('--replay')])
})
