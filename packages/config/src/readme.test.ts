import { expect, test } from 'vitest'
import { configure, fields } from '../scripts/example.ts'

test('the example of the README comes to what it says', async () => {
  expect(fields).toEqual({ port: 9000, connector: 'mooncake', prefillTimeout: 1500, config: 'proxy.yaml' })
  expect(await configure(['--help'], {}, () => '')).toContain('-p, --port int')
  await expect(configure(['--port', '0'], {}, () => '')).rejects.toThrow('port must be between 1 and 65535, got 0')
})
