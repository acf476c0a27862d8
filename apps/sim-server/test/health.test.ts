import { probeHealth } from '@vllm-sim/service/health'
import { expect, test } from 'vitest'
import { healthProgram } from '../src/commands/health.ts'
import { startServer } from './server-process.ts'

test('a server that lives is well, over TLS and with an API key', async () => {
  const { port } = await startServer(['--self-signed-certs', '--api-key', 'k'])
  const options = ['--model', 'm', '--port', String(port), '--self-signed-certs']
  expect(await probeHealth(healthProgram({}), options)).toEqual({ status: 0, text: '' })
  expect(await probeHealth(healthProgram({}), ['--ready', ...options])).toEqual({ status: 0, text: '' })
  expect(await probeHealth(healthProgram({}), ['--model', 'm', '--port', String(port)])).toMatchObject({ status: 1 })
})

test('options that start no server are told', async () => {
  expect(await probeHealth(healthProgram({}), ['--no-such-option'])).toMatchObject({ status: 2 })
  expect((await probeHealth(healthProgram({}), ['--version'])).text).toMatch(/these options start no server/)
})
