import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runReplay } from '../src/commands/replay.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-replay-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const place = path.join(folder, name)
  writeFileSync(place, text)
  return place
}

const profile = file('steps.json', readFileSync(new URL('hostile/steps.json', import.meta.url), 'utf8'))
const rows = Array.from({ length: 30 }, (_, i) => ({ timestamp: 40 * i, input_length: 200 + i, output_length: 20 }))
const trace = file('trace.jsonl', rows.map(row => JSON.stringify(row)).join('\n'))
const run = (...args: string[]) => runReplay([trace, '--step-profile', profile, ...args], {})

test('prints the result and writes what was asked for', async () => {
  const [requests, metrics] = [path.join(folder, 'requests.csv'), path.join(folder, 'metrics.txt')]
  const printed = JSON.parse(
    await run('--format', 'json', '--requests', requests, '--metrics', metrics, '--limit', '20'),
  )
  expect(printed).toMatchObject({ completed: 20, total_output_tokens: 400 })
  expect(readFileSync(requests, 'utf8').trim().split('\n')).toHaveLength(21)
  expect(readFileSync(metrics, 'utf8')).toContain('vllm:generation_tokens_total{model_name="m"} 400\n')
})

test('with half the blocks preemptions rise and all are served', async () => {
  const few = JSON.parse(await run('--format', 'json', '--num-gpu-blocks-override', '60', '--rate-scale', '10'))
  expect(few).toMatchObject({ completed: 30, failed: 0 })
  expect(few.mean_ttft_ms).toBeGreaterThan(JSON.parse(await run('--format', 'json', '--rate-scale', '10')).mean_ttft_ms)
})

test.each([
  [[], 'name a trace'],
  [['/nowhere', '--step-profile', profile], '/nowhere: ENOENT'],
  [[trace], 'a replay needs a --step-profile'],
  [[trace, trace, '--step-profile', profile], 'one trace at a time'],
  [[trace, '--step-profile', trace], 'step-profile'],
  [
    [trace, '--step-profile', profile, '--num-gpu-blocks-override', '4'],
    'request 1: its 220 tokens are more than the KV cache of 48 holds',
  ],
  [[trace, '--step-profile', profile, '--compare', trace], 'it has no measured times of these requests'],
  [[trace, '--step-profile', profile, '--requests', folder], 'EISDIR'],
])('%j: %s', async (args, message) => {
  await expect(runReplay(args, {})).rejects.toThrow(message)
})
