import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError } from '@vllm-sim/config'
import { expect, onTestFinished, test } from 'vitest'
import { type HealthProgram, probeHealth } from './health.ts'

/** A server that lives and is not ready. */
async function unready(): Promise<number> {
  const server = createServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 503).end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** A program whose only option is its port. */
function program(first?: readonly string[]): HealthProgram {
  return {
    name: 'proxy',
    files: ['proxy', 'proxy/dist/main.js'],
    firstProcess: () => first,
    read: async ([port = '']) => {
      if (!/^\d+$/.test(port)) throw new ConfigError(`unknown flag: ${port}`)
      return { target: { host: '0.0.0.0', port: Number(port) }, tls: false }
    },
  }
}

test('a server is found by its options, and without any by those of process 1', async () => {
  const port = String(await unready())
  expect(await probeHealth(program(), [port])).toEqual({ status: 0, text: '' })
  for (const words of [
    ['/usr/local/bin/node', '/usr/local/bin/proxy', port],
    ['node', '/app/node_modules/proxy/dist/main.js', port],
    ['proxy', port],
  ]) {
    expect(await probeHealth(program(words), [])).toEqual({ status: 0, text: '' })
  }
  expect(await probeHealth(program(['proxy', port]), ['--ready'])).toEqual({
    status: 1,
    text: 'proxy health: /health/ready answers 503\n',
  })
})

test('nobody there, wrong options and none at all have a line and a status each', async () => {
  expect(await probeHealth(program(), ['1'])).toEqual({
    status: 1,
    text: 'proxy health: cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n',
  })
  expect(await probeHealth(program(), ['--x'])).toEqual({
    status: 2,
    text: 'proxy health: unknown flag: --x\nTry proxy health --help.\n',
  })
  for (const words of [undefined, ['/sbin/init'], ['node', '/usr/bin/notproxy']]) {
    expect(await probeHealth(program(words), [])).toEqual({
      status: 2,
      text:
        'proxy health: process 1 is not proxy: give the options that the server was started with\n' +
        'Try proxy health --help.\n',
    })
  }
})
