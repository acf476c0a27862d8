import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { GrpcClient } from './testing/client.ts'
import { serve } from './testing/readme-example.ts'

test('the example of the README is the one that runs, and serves an engine of one’s own', async () => {
  const source = readFileSync(new URL('testing/readme-example.ts', import.meta.url), 'utf8')
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  expect(/^```ts\n(.*?)^```/ms.exec(readme)?.[1]).toBe(source.replace("'../index.ts'", "'@vllm-sim/transport-grpc'"))
  const server = serve(0)
  await once(server, 'listening')
  const client = new GrpcClient(`localhost:${(server.address() as AddressInfo).port}`)
  const { messages, error } = await client.messages('Generate', { text: 'Hello' })
  expect(error).toBeUndefined()
  expect(messages).toMatchObject([{ complete: { output_ids: [42], finish_reason: 'stop', completion_tokens: 1 } }])
  client.close()
  server.close()
})
