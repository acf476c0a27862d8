import type { Worker } from 'node:worker_threads'
import { RealClock } from '@vllm-sim/core-engine'
import { Cleanup, StartError } from '@vllm-sim/service'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../../test/server-process.ts'
import { loadConfig } from '../config/index.ts'
import { serveRanks } from './group.ts'

const threads: Worker[] = []
let cleanup: Cleanup
const remember = (worker: Worker): void => {
  threads.push(worker)
}

process.on('worker', remember)
afterEach(async () => {
  await cleanup.run()
  threads.length = 0
})

async function start(port: number) {
  cleanup = new Cleanup(new RealClock(), 5000)
  const { config } = await loadConfig(
    [
      ...['--model', 'm', '--host', '127.0.0.1', '--port', String(port), '--data-parallel-size', '2'],
      ...['--no-warm-up', '--log-level', 'silent'],
    ],
    {},
    () => '',
  )
  return serveRanks(config!, true, cleanup)
}

test('a rank that ends by itself is a failure of all', async () => {
  const running = await start(await freePort(2))
  expect(threads).toHaveLength(2)
  await threads[1]!.terminate()
  const reason = await running.failed
  expect(reason).toBeInstanceOf(StartError)
  expect(reason.message).toBe('rank 1 ended')
})
