import { expect, test } from 'vitest'
import { nixlConfig } from './kv-transfer-config.ts'
import { load } from './testing/load.ts'

const nixl = { kv_connector: 'NixlConnector', kv_role: 'kv_both' }
const environment = { nixlHost: '', nixlPort: 5600, podIp: '' }

test('defaults are vLLM’s', () => {
  expect(nixlConfig(nixl, environment)).toEqual({
    producer: true,
    consumer: true,
    engineId: '',
    failurePolicy: 'fail',
    leaseDuration: 30_000,
    bindHost: 'localhost',
    host: 'localhost',
    port: 5600,
  })
})

test.each([
  [{}, { podIp: '10.0.0.1' }, ['10.0.0.1', '10.0.0.1', 5600]],
  [{}, { podIp: '10.0.0.1', nixlHost: '0.0.0.0', nixlPort: 7 }, ['0.0.0.0', '10.0.0.1', 7]],
  [{}, { nixlHost: '::' }, ['::', 'localhost', 5600]],
  [{ kv_ip: 'h', kv_port: 8 }, { nixlHost: 'n', nixlPort: 7 }, ['h', 'h', 8]],
])('where it listens, and what answers name: %o %o', (more, env, expected) => {
  const { bindHost, host, port } = nixlConfig({ ...nixl, ...more }, { ...environment, ...env })!
  expect([bindHost, host, port]).toEqual(expected)
})

test('roles, ranks and lists of connectors', () => {
  expect(nixlConfig({ ...nixl, kv_role: 'kv_producer' }, environment)).toMatchObject({
    producer: true,
    consumer: false,
  })
  expect(nixlConfig({ ...nixl, kv_role: 'kv_consumer' }, environment)).toMatchObject({
    producer: false,
    consumer: true,
  })
  expect(nixlConfig({ ...nixl, engine_id: 'e' }, environment, 1, 2)).toMatchObject({ engineId: 'e_dp1', port: 5601 })
  const multi = {
    kv_connector: 'MultiConnector',
    kv_role: 'kv_both',
    kv_connector_extra_config: { connectors: [nixl] },
  }
  expect(nixlConfig(multi, environment)).toMatchObject({ producer: true })
  expect(nixlConfig({ ...nixl, kv_connector: 'MooncakeConnector', kv_role: 'other' }, environment)).toBeUndefined()
})

test('the environment is read, and data-parallel ranks count up', async () => {
  const env = { VLLM_NIXL_SIDE_CHANNEL_HOST: 'n', VLLM_NIXL_SIDE_CHANNEL_PORT: '7000' }
  const argv = ['--model', 'm', '--kv-transfer-config', JSON.stringify(nixl), '--data-parallel-rank', '2']
  const { config } = await load([...argv, '--data-parallel-size', '4'], env)
  expect(config.nixl).toMatchObject({ host: 'n', port: 7002 })
  expect((await load(['--model', 'm'])).config.nixl).toBeUndefined()
})
