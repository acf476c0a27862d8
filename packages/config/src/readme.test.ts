import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configure, fields } from './testing/readme-example.ts'

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}

test('the example of the README is the one that runs here', () => {
  const [, example] = /```ts\n(.*?)```/s.exec(read('../README.md'))!
  expect(example).toBe(read('testing/readme-example.ts').replace("'../index.ts'", "'@vllm-sim/config'"))
})

test('it comes to what it says', async () => {
  expect(fields).toEqual({ port: 9000, connector: 'mooncake', prefillTimeout: 1500, config: 'proxy.yaml' })
  expect(await configure(['--help'], {}, () => '')).toContain('-p, --port int')
  await expect(configure(['--port', '0'], {}, () => '')).rejects.toThrow('port must be between 1 and 65535, got 0')
})
