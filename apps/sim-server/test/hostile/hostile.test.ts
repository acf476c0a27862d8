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
    let damage = await suffer(target, row)
    // Rows share a server to save time. What rows before have left in it, or other tests on the machine, is not the row's.
    if (isTooMuch(row, damage)) {
      await target.end()
      target = await start(options)
      damage = await suffer(target, row)
    }
    const { wait = 250, memory = 250 } = row
    expect(damage, target.log.slice(-1000)).toMatchObject({ lives: true, held: { running: 0, waiting: 0, blocks: 0 } })
    expect(damage.health, 'milliseconds that /health waited').toBeLessThanOrEqual(wait * damage.slowness)
    expect(damage.stream, 'milliseconds that a stream waited').toBeLessThanOrEqual(wait * damage.slowness)
    expect(damage.memory, 'MB over idle').toBeLessThanOrEqual(memory)
  })
})

/** Whether a row took more than it may; a server that ended or holds something has failed already. */
function isTooMuch({ wait = 250, memory = 250 }: Row, damage: Damage): boolean {
  const waited = Math.max(damage.health, damage.stream) / damage.slowness
  return damage.lives && (waited > wait || damage.memory > memory)
}
