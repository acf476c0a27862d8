import { status } from '@grpc/grpc-js'
import { Readiness } from '@vllm-sim/serving'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GrpcClient } from '../testing/client.ts'
import { startServer, type TestServer } from '../testing/server.ts'

const state = new Readiness('starting')
let server: TestServer
let client: GrpcClient

beforeAll(async () => {
  server = await startServer({ context: { health: state } })
  client = new GrpcClient(server.address, 'grpc.health.v1.Health')
})

afterAll(async () => {
  client.close()
  await server.close()
})

test.each([
  '',
  'vllm.grpc.engine.VllmEngine',
  '/vllm.grpc.engine.VllmEngine/HealthCheck',
  'vllm.grpc.engine.VllmEngine/HealthCheck',
])('%j is known', async service => {
  state.set('starting')
  expect(await client.unary('Check', { service })).toEqual({ status: 'NOT_SERVING' })
  state.set(undefined)
  expect(await client.unary('Check', { service })).toEqual({ status: 'SERVING' })
})

test('another service is not', async () => {
  await expect(client.unary('Check', { service: 'foo' })).rejects.toMatchObject({
    code: status.NOT_FOUND,
    details: 'Unknown service: foo',
  })
  expect(await client.unary('List', {})).toEqual({
    statuses: { '': { status: 'SERVING' }, 'vllm.grpc.engine.VllmEngine': { status: 'SERVING' } },
  })
})

test('a watch follows the changes', async () => {
  state.set('starting')
  const call = client.stream<{ status: string }>('Watch', { service: '' })
  call.on('error', () => {})
  const next = () => new Promise<{ status: string }>(resolve => call.once('data', resolve))
  expect(await next()).toEqual({ status: 'NOT_SERVING' })
  const second = next()
  state.set(undefined)
  expect(await second).toEqual({ status: 'SERVING' })
  const third = next()
  state.set('shutting down')
  expect(await third).toEqual({ status: 'NOT_SERVING' })
  call.cancel()
  const unknown = client.stream<{ status: string }>('Watch', { service: 'foo' })
  unknown.on('error', () => {})
  expect(await new Promise(resolve => unknown.once('data', resolve))).toEqual({ status: 'SERVICE_UNKNOWN' })
  unknown.cancel()
})
