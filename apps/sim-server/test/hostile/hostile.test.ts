import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { suffer } from './budget.ts'
import { table } from './table.ts'
import { Target } from './target.ts'

const start = async (options: (typeof table)[number]['options']): Promise<Target> => Target.start(options)

describe.each(table)('$server', ({ options, rows }) => {
  let target: Target

  beforeAll(async () => {
    target = await start(options)
  })
  beforeEach(async () => {
    if (target.lives) return
    await target.end()
    target = await start(options)
  })
  afterAll(() => target.end())

  test.each(rows)('$name', async row => {
    const { wait = 250, memory = 250 } = row
    const damage = await suffer(target, row)
    expect(damage, target.log.slice(-1000)).toMatchObject({ lives: true, held: { running: 0, waiting: 0, blocks: 0 } })
    expect(damage.health, 'milliseconds that /health waited').toBeLessThanOrEqual(wait * damage.slowness)
    expect(damage.stream, 'milliseconds that a stream waited').toBeLessThanOrEqual(wait * damage.slowness)
    expect(damage.memory, 'MB over idle').toBeLessThanOrEqual(memory)
  })
})
