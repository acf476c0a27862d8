import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { serve } from '../scripts/example.ts'
import { startServer } from './testing/server.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the example serves an engine of one’s own', async () => {
  const server = serve(0)
  await new Promise(resolve => server.once('listening', resolve))
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const client = new OpenAI({ baseURL, apiKey: 'none' })
  const request = { model: 'my-model', messages: [{ role: 'user' as const, content: 'Hello' }] }
  const whole = await client.chat.completions.create(request)
  expect(whole.choices[0]!.message.content).toBe('Hello there.')
  expect(whole.usage).toMatchObject({ completion_tokens: 2 })
  let text = ''
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? ''
  }
  expect(text).toBe('Hello there.')
  const response = await client.responses.create({ model: 'my-model', input: 'Hello' })
  expect(response.output_text).toBe('Hello there.')
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

test('the table of endpoints is complete', async () => {
  const server = await startServer({ api: { docs: true } })
  const response = await fetch(`${server.url}/openapi.json`)
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> }
  const served = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '{id}')}`),
  )
  const listed = [...readme.matchAll(/^\| (GET|POST|DELETE) \| `(.*?)` \|/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  )
  expect(listed.toSorted()).toEqual(served.toSorted())
  await server.close()
})
