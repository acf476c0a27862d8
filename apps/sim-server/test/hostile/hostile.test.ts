import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Damage, type Row, suffer } from './budget.ts'
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
    expect(await memoryOf(row, damage, memory), 'MB over idle').toBeLessThanOrEqual(memory)
  })

  /** What a row takes. Where rows before it have left garbage that V8 gives back late, it is seen in a server of its own. */
  async function memoryOf(row: Row, damage: Damage, limit: number): Promise<number> {
    if (damage.memory <= limit) return damage.memory
    await target.end()
    target = await start(options)
    return (await suffer(target, row)).memory
  }
})
