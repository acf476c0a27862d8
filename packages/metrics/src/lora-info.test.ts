import { VirtualClock } from '@vllm-sim/core-engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Group, Scalar } from './cells.ts'
import { LoraInfo } from './lora-info.ts'
import { startTestServer } from './testing/test-server.ts'

/** Pairs of running and waiting names in order of their values. */
function history(group: Group<Scalar>): string[] {
  return [...group.sorted()]
    .sort((a, b) => a.cell.value - b.cell.value)
    .map(({ values }) => `${values[1]} | ${values[2]}`)
}

function start(): { clock: VirtualClock; group: Group<Scalar>; info: LoraInfo } {
  const clock = new VirtualClock(0, 1_257_894_567_250)
  const group = new Group(() => new Scalar())
  return { clock, group, info: new LoraInfo(group, 2, clock) }
}

test('at the start there is one series of empty lists, its value the time with its fraction', () => {
  const { group } = start()
  expect(group.sorted().map(({ values, cell }) => [...values, cell.value])).toEqual([['2', '', '', 1257894567.25]])
})

test('every step of a request through the engine is a change', async () => {
  const { clock, engine, submit, metrics } = startTestServer({ firstToken: 2000 })
  for (const name of ['lora1', 'lora2']) engine.loras.register(name, '/adapters')
  const lora = (name: string) => submit({ model: name, lora: name, limits: { maxTokens: 1 } })
  lora('lora1')
  clock.advance(500)
  lora('lora2')
  clock.runAll()
  const lines = (await metrics.render()).match(/^vllm:lora_requests_info.*/gm)!
  const byValue = lines
    .map(line => /running_lora_adapters="(.*?)",waiting_lora_adapters="(.*?)"} (.*)/.exec(line)!)
    .sort((a, b) => Number(a[3]) - Number(b[3]))
    .map(([, running, waiting]) => `${running} | ${waiting}`)
  expect(byValue).toEqual(['lora1 | ', 'lora1 | lora2', ' | lora2', 'lora2 | ', ' | '])
})

test('names have one order, so the same set is the same series', () => {
  const { group, info } = start()
  info.started('b', false)
  info.started('a', false)
  info.finished('b', false)
  info.started('b', false)
  expect(history(group)).toEqual([' | ', 'b | ', 'a | ', 'a,b | '])
})

test('a request that did not wait leaves the waiting one of the same adapter alone', () => {
  const { group, info } = start()
  info.queued('a')
  info.started('a', false)
  expect(history(group).at(-1)).toBe('a | a')
})

test('a name stays until its last request is done', () => {
  const { group, info } = start()
  info.started('a', false)
  info.started('a', false)
  info.finished('a', false)
  expect(history(group).at(-1)).toBe('a | ')
  info.finished('a', false)
  expect(history(group).at(-1)).toBe(' | ')
})

test('combinations are bounded, the present one stays and is the largest', () => {
  const { clock, group, info } = start()
  for (let i = 0; i < 1500; i++) {
    clock.advance(1)
    info.started(`l${i}`, false)
    info.finished(`l${i}`, false)
  }
  info.started('last', false)
  expect(group.size).toBe(1000)
  expect(history(group).at(-1)).toBe('last | ')
  expect(history(group)).toContain(' | ')
  expect(history(group)).not.toContain('l0 | ')
})

test('long names of many adapters neither fill the memory nor the text', () => {
  const { group, info } = start()
  for (let i = 0; i < 600; i++) info.queued(`${i}`.padEnd(10_000, 'x'))
  const shown = group.sorted().map(({ values }) => values[2]!.length)
  expect(shown.reduce((sum, length) => sum + length)).toBeLessThan(1_100_000)
  // The present combination is there, with each name in as many characters as others have.
  expect(Math.max(...shown)).toBe(600 * 257 - 1)
})

test('the present state always has the strictly largest value, also while the clock stands still', () => {
  const steps = fc.array(fc.record({ step: fc.nat(3), name: fc.constantFrom('a', 'b', 'c'), ms: fc.nat(1) }))
  fc.assert(
    fc.property(steps, all => {
      const { clock, group, info } = start()
      const running: string[] = []
      const waiting: string[] = []
      for (const { step, name, ms } of all) {
        clock.advance(ms / 1e4)
        const waited = waiting.indexOf(name)
        const ran = running.indexOf(name)
        if (step === 0) {
          waiting.push(name)
          info.queued(name)
        } else if (step === 1) {
          if (waited >= 0) waiting.splice(waited, 1)
          running.push(name)
          info.started(name, waited >= 0)
        } else if (step === 2 && ran >= 0) {
          running.splice(ran, 1)
          info.finished(name, false)
        } else if (step === 3 && ran >= 0) {
          running.splice(ran, 1)
          waiting.push(name)
          info.preempted(name)
        }
        const text = (names: string[]) => [...new Set(names)].sort().join(',')
        expect(history(group).at(-1)).toBe(`${text(running)} | ${text(waiting)}`)
        const values = group.sorted().map(({ cell }) => cell.value)
        expect(new Set(values).size).toBe(values.length)
      }
    }),
  )
})
