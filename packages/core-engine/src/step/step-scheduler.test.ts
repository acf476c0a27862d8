import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { differenceFrom, type GoldenTrace, type Workload } from '../testing/golden-schedule.ts'

const folder = new URL('golden/', import.meta.url)

function read<Content>(name: string): Content {
  return JSON.parse(gunzipSync(readFileSync(new URL(name, folder))).toString())
}

const names = readdirSync(folder).flatMap(file => /^(.*)\.trace\.json\.gz$/.exec(file)?.[1] ?? [])

describe('what vLLM 0.33.0 schedules, step by step', () => {
  test('is there for all families', () => {
    expect(names.length).toBeGreaterThan(14)
  })

  test.each(names)('%s', name => {
    const workload = read<Workload>(`${name}.json.gz`)
    const trace = read<GoldenTrace>(`${name}.trace.json.gz`)
    expect(trace.steps.length).toBeGreaterThan(10)
    expect(differenceFrom(trace, workload)).toBeUndefined()
  })

  test('one block less is another schedule', () => {
    const workload = read<Workload>('storm-00.json.gz')
    const engine = { ...workload.engine, num_gpu_blocks: workload.engine.num_gpu_blocks - 1 }
    expect(differenceFrom(read<GoldenTrace>('storm-00.trace.json.gz'), { ...workload, engine })).toMatch(/^step \d+/)
  })
})
