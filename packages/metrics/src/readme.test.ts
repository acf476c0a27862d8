import { readFileSync } from 'node:fs'
import * as engine from '@vllm-sim/core-engine'
import * as prom from 'prom-client'
import { expect, test } from 'vitest'
import * as metrics from './index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [first, second] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(match => match[1]!)

/** Runs a block of plain JavaScript whose imports are handed in. */
async function run(source: string, result: string): Promise<unknown> {
  const modules = { '@vllm-sim/core-engine': engine, '@vllm-sim/metrics': metrics, 'prom-client': prom }
  const body = source.replaceAll(/^import (\{.*?\}) from ('.*?')$/gm, 'const $1 = modules[$2]')
  const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (modules: object) => Promise<unknown>
  return new AsyncFunction('modules', `${body}\nreturn ${result}`)(modules)
}

test('the first example prints what it says', async () => {
  const text = await run(first!, 'text')
  const promised = [...first!.matchAll(/^\/\/ (\S+ [\d.]+)$/gm)].map(match => match[1])
  expect(promised).toHaveLength(3)
  for (const line of promised) expect(text).toContain(`\n${line}\n`)
})

test('the fake configuration is one', async () => {
  const fake = (await run(second!, 'fake')) as metrics.FakeMetricsConfig
  const { render } = metrics.createMetrics({
    clock: new engine.VirtualClock(),
    modelName: 'm',
    maxModelLen: 1024,
    maxLoras: 1,
    cacheConfig: { blockSize: 16, numGpuBlocks: 1024 },
    fake,
  })
  const text = await render()
  expect(text).toContain('vllm:num_requests_running{model_name="m"} 3\n')
  expect(text).toContain('vllm:time_to_first_token_seconds_count{model_name="m"} 60\n')
})
