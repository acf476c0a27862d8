import type { AddressInfo } from 'node:net'
import { metricTable } from '@vllm-sim/metrics'
import { createLog } from '@vllm-sim/service'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { createHttpServer } from '@vllm-sim/transport-http'
import { expect, onTestFinished, test } from 'vitest'
import { createInstance } from '../src/assemble/instance.ts'
import { load } from '../src/config/testing/load.ts'

/** Families that no traffic moves, and why. */
const still: Readonly<Record<string, string>> = {
  'vllm:cache_config_info': 'tells the configuration',
}

/** The samples of each family that is shown. */
function families(text: string): Map<string, string> {
  const parts = text.split(/^# HELP /m).slice(1)
  return new Map(parts.map(part => [part.slice(0, part.indexOf(' ')), part]))
}

/** A server whose sequences share steps and are soon short of blocks. */
const profile = {
  schema: 'vllm-sim.step-profile/1',
  name: 'small',
  engine: { num_gpu_blocks: 13 },
  cost: {
    ...{ host_ms: 1, mixed_ms: 0, weights_ms: 0, token_us: 0 },
    ...{ seq_us: 0, ctx_us_per_ktok: 0, pair_us_per_ktok: 0, skew_us_per_ktok: 0 },
  },
  arrival_ms: 0,
}

/** Serves an instance. @returns its URL */
async function serve(...args: string[]): Promise<string> {
  const { config } = await load(args, { VLLM_SERVER_DEV_MODE: '1' }, { 'p.json': JSON.stringify(profile) })
  const log = createLog({ level: 'silent', format: 'json' })
  const { listener } = createInstance({ config, tokenizer: new SimulatedTokenizer(), log, port: 8000 })
  const server = createHttpServer(listener)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('every family of the table is moved by something', async () => {
  const url = await serve(
    ...['--model', 'm', '--enable-kvcache', '--max-num-seqs', '1', '--time-to-first-token', '150ms', '--seed', '1'],
    ...['--lora-modules', '{"name":"l"}', '--enable-sleep-mode', '--show-hidden-metrics-for-version', '0.11'],
  )
  const seen: Map<string, string>[] = []
  const scrape = async (): Promise<void> => {
    seen.push(families(await (await fetch(`${url}/metrics`)).text()))
  }
  const post = async (path: string, body: object = {}): Promise<void> => {
    const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })
    expect([path, response.status, await response.text()]).toEqual([path, 200, expect.anything()])
  }
  const prompt = 'word '.repeat(64)
  const completion = (model: string, more: object = {}): Promise<void> =>
    post('/v1/completions', { model, prompt, max_tokens: 4, ignore_eos: true, ...more })

  await scrape()
  const first = completion('m')
  const second = completion('l')
  let over = false
  const both = Promise.all([first, second]).then(() => {
    over = true
  })
  while (!over) await scrape()
  await both
  await completion('m')
  await completion('m', { prompt: 'other '.repeat(64), kv_transfer_params: { do_remote_prefill: true } })
  const features = { mm_hashes: { image: ['a'] }, mm_placeholders: { image: [{ offset: 0, length: 1 }] } }
  for (let i = 0; i < 2; i++) {
    await post('/inference/v1/generate', {
      model: 'm',
      token_ids: [1, 2],
      features,
      sampling_params: { max_tokens: 2 },
    })
  }
  await post('/sleep?level=1')
  await scrape()

  const steps = await serve('--model', 'm', '--step-profile', 'p.json')
  const prompts = [1, 2].map(i => `${i} `.repeat(64))
  const body = JSON.stringify({ model: 'm', prompt: prompts, max_tokens: 64, ignore_eos: true })
  expect((await fetch(`${steps}/v1/completions`, { method: 'POST', body })).status).toBe(200)
  const preemptions = 'vllm:num_preemptions_total'
  const short = families(await (await fetch(`${steps}/metrics`)).text())
  seen.push(new Map([[preemptions, short.get(preemptions)!]]))

  const moved = (name: string): boolean => {
    const values = seen.flatMap(scraped => scraped.get(name) ?? [])
    return new Set(values).size > 1
  }
  // Those of a connector have a test of their own.
  const rows = Object.values(metricTable).filter(row => !('shownWith' in row))
  const names: string[] = rows.map(({ name }) => name)
  const ours = names.filter(name => !name.startsWith('process_'))
  expect(ours.filter(name => !moved(name)).sort()).toEqual(ours.filter(name => name in still).sort())

  // When the figures of the process move is up to the system, and one that it does not tell has no family.
  const last = seen.at(-2)!
  const told = names.filter(name => name.startsWith('process_') && last.has(name))
  expect(told).toEqual(expect.arrayContaining(['process_cpu_seconds_total', 'process_resident_memory_bytes']))
  for (const name of told) expect(Number(/ (\S+)\n*$/.exec(last.get(name)!)?.[1]), name).toBeGreaterThan(0)
})
