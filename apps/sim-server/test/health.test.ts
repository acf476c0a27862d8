import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type HealthSurroundings, probe } from '../src/commands/health.ts'
import { quick, startServer } from './server-process.ts'

const nobody: HealthSurroundings = {
  env: {},
  readFile: path => {
    throw new Error(`no such file: ${path}`)
  },
  firstProcess: () => undefined,
}

test('a server that lives is well, whatever it is asked for, over TLS and with an API key', async () => {
  const { port } = await startServer(['--self-signed-certs', '--api-key', 'k'])
  const options = ['--model', 'm', '--port', String(port), '--self-signed-certs']
  expect(await probe(options, nobody)).toEqual({ status: 0, text: '' })
  expect(await probe(['--ready', ...options], nobody)).toEqual({ status: 0, text: '' })
  expect(await probe(['--ready', '--model', 'm', '--port', String(port)], nobody)).toMatchObject({ status: 1 })
})

test('without options, process 1 tells which', async () => {
  const server = createServer((_request, response) => response.writeHead(_request.url === '/health' ? 200 : 503).end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const first = (...program: string[]): HealthSurroundings => ({
    ...nobody,
    readFile: path => (path === '/config/config.yaml' ? `model: m\nport: ${port}\n` : ''),
    firstProcess: () => [...program, '--config', '/config/config.yaml'],
  })
  try {
    for (const program of [
      ['/usr/local/bin/node', '/usr/local/bin/vllm-sim'],
      ['node', '/app/node_modules/vllm-sim/dist/main.js'],
      ['/app/llm-d-inference-sim'],
    ]) {
      expect(await probe([], first(...program))).toEqual({ status: 0, text: '' })
    }
    expect(await probe(['--ready'], first('vllm'))).toEqual({
      status: 1,
      text: 'vllm-sim health: /health/ready answers 503\n',
    })
    expect(await probe([], first('/sbin/init'))).toMatchObject({ status: 2 })
  } finally {
    server.close()
  }
})

test('nobody there, a wrong option and no options at all have a line and a status each', async () => {
  expect(await probe([...quick, '--port', '1', '--host', '127.0.0.1'], nobody)).toEqual({
    status: 1,
    text: 'vllm-sim health: cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n',
  })
  expect(await probe(['--no-such-option'], nobody)).toMatchObject({ status: 2 })
  expect(await probe([], nobody)).toEqual({
    status: 2,
    text:
      'vllm-sim health: process 1 is not vllm-sim: give the options that the server was started with\n' +
      'Try vllm-sim health --help.\n',
  })
})
