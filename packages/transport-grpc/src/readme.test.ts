import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { serve } from '../scripts/example.ts'
import { GrpcClient } from './testing/client.ts'

test('the example of the README serves an engine of one’s own', async () => {
  const server = serve(0)
  await once(server, 'listening')
  const client = new GrpcClient(`localhost:${(server.address() as AddressInfo).port}`)
  const { messages, error } = await client.messages('Generate', { text: 'Hello' })
  expect(error).toBeUndefined()
  expect(messages).toMatchObject([{ complete: { output_ids: [42], finish_reason: 'stop', completion_tokens: 1 } }])
  client.close()
  server.close()
})
