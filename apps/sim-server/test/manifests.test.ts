import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../src/config/index.ts'
import { InProcessServer } from './in-process.ts'

const manifests = fileURLToPath(new URL('../../../manifests/', import.meta.url))

test.each(['basic-config.yaml', 'config.yaml', 'config_with_duration_latency.yaml', 'config_with_fake.yaml'])(
  'a server starts from %s',
  async file => {
    const server = new InProcessServer()
    onTestFinished(() => server.stop())
    await server.start(['--config', join(manifests, file), '--force-dummy-tokenizer', '--no-warm-up', '-v', '5'])
    const models = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { root: string }[] }
    expect(models.data[0]!.root).toBe('Qwen/Qwen2-VL-2B-Instruct')
    expect(server.log).not.toMatch(/WARN/)
  },
)

test.each(globSync('latency-profiles/*.yaml', { cwd: manifests }).sort())('%s is a valid configuration', async file => {
  const loaded = await loadConfig(['--config', join(manifests, file)], {}, path => readFileSync(path, 'utf8'))
  if (!loaded.config) throw new Error('no configuration')
  expect(loaded.warnings).toEqual([])
  expect(loaded.config.latency.calculator).toBe(file.includes('per-token') ? 'per-token' : 'constant')
})
