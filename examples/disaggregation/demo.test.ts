import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const demo = fileURLToPath(new URL('./demo.ts', import.meta.url))

function listens(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  return new Promise(resolve => {
    const socket = connect(Number(port), host)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

test('two prefillers, a decoder and the sidecar: every prompt is transferred under one id, and nothing is left running', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [demo, '--once'])
  const requests = stdout.split(/^request \d: /m).slice(1)
  expect(requests).toHaveLength(4)
  for (const [at, text] of requests.entries()) {
    expect(text).toMatch(at % 2 === 0 ? /^prefiller A → decoder, transferred/ : /^prefiller B → decoder, transferred/)
    const [, prefill, decode] = /prefill (\S+)\n\s+decode {2}(\S+)/.exec(text)!
    expect(prefill).toMatch(/-[0-9a-f]{8}$/)
    expect(decode).toBe(prefill)
  }
  expect(stdout).toMatch(/^decoder\n(?: {2}.*\n)* {2}vllm:nixl_xfer_time_seconds_count 4$/m)
  const addresses = stdout.match(/127\.0\.0\.1:\d+/g)!
  expect(addresses.length).toBeGreaterThanOrEqual(4)
  expect(await Promise.all(addresses.map(listens))).not.toContain(true)
})
