import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stepProfile } from '@vllm-sim/latency'
import { afterAll, expect, test } from 'vitest'
import { runCalibration } from '../src/commands/calibrate.ts'
import { runReplay } from '../src/commands/replay.ts'
import { readStepProfile, shippedProfiles } from '../src/config/steps.ts'
import { errorOf, loadModel } from '../src/config/testing/load.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-calibrate-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const place = path.join(folder, name)
  writeFileSync(place, text)
  return place
}

const lines = (rows: readonly object[]) => rows.map(row => JSON.stringify(row)).join('\n')
const read = (place: string) => readFileSync(place, 'utf8')
const output = path.join(folder, 'profile.json')

test.each(shippedProfiles())('%s comes with its source, licence and errors', async name => {
  const profile = readStepProfile(name, read)
  expect(stepProfile(profile)).toBe(profile)
  expect(profile.provenance).toMatchObject({
    source: expect.anything(),
    licence: expect.anything(),
    command: expect.anything(),
  })
  expect(profile.error).toMatchObject({ split: 'requests that were not fitted on', rows: 30 })
  expect(Math.abs(profile.error!.e2e.mean)).toBeLessThan(1)
})

test('what was measured of a run is found again', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    timestamp: i * 150 + (i % 7) * 20,
    input_length: 100 + ((i * 331) % 900),
    output_length: 30 + ((i * 71) % 90),
  }))
  const trace = file('trace.jsonl', lines(rows))
  const requests = path.join(folder, 'requests.csv')
  const engine = ['--max-num-seqs', '64', '--num-gpu-blocks-override', '20000']
  await runReplay([trace, '--step-profile', 'rtx4090-llama31-8b-tp1', '--requests', requests, ...engine], {})
  const table = read(requests)
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(',').map(Number))
  const measured = file(
    'measured.csv',
    `i,first_token_s,last_token_s\n${table.map(row => `${row[0]},${row[4]! / 1000},${row[5]! / 1000}`).join('\n')}\n`,
  )
  const run = [
    trace,
    '--measured',
    measured,
    '--start',
    asFile('rtx4090-llama31-8b-tp1'),
    '-o',
    output,
    '--async-scheduling',
    ...engine,
  ]
  const printed = await runCalibration(run, {})
  expect(printed).toContain('token_us')
  expect(printed).toContain('Held out:')
  const compared = await runReplay([trace, '--step-profile', output, '--compare', measured, ...engine], {})
  const e2e = /^E2E +(\S+) .* (\S+)$/m.exec(compared)!
  expect(Math.abs(Number(e2e[1]))).toBeLessThan(1)
  expect(Number(e2e[2])).toBeLessThan(1)
})

/** A shipped profile as a file. */
function asFile(name: string): string {
  return file(`${name}.json`, JSON.stringify(readStepProfile(name, read)))
}

const config = file('config.json', '{"hidden_size": 5}')
const few = file(
  'few.jsonl',
  lines([{ timestamp: 0, input_length: 5, output_length: 5, first_token_ms: 1, last_token_ms: 2 }]),
)

test.each([
  [[], 'name a measured run'],
  [[few], 'name a file for the profile'],
  [[few, '-o', output], 'give --gpu and --model-config, or a profile to --start from'],
  [[few, '-o', output, '--gpu', 'RTX 4090', '--model-config', config], 'needs a whole number as num_attention_heads'],
  [
    [few, '-o', output, '--start', 'rtx4090-llama31-8b-tp1'],
    'needs 20 requests with measured first and last token, got 1',
  ],
  [['/nowhere', '-o', output], '/nowhere: ENOENT'],
])('%j: %s', async (args, message) => {
  await expect(runCalibration(args, {})).rejects.toThrow(message)
})

test('a name that no profile has', async () => {
  expect(await errorOf(loadModel('--step-profile', 'abacus'))).toContain(
    'there is no step profile abacus: there are rtx4090',
  )
})
