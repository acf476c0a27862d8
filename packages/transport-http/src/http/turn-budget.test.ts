import { VirtualClock } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { TurnBudget } from './turn-budget.ts'

class TurningClock extends VirtualClock {
  turns = 0
  override get eventLoopTurn(): number {
    return this.turns
  }
}

test('a turn has its time once, and the next one again', () => {
  const clock = new TurningClock()
  const budget = new TurnBudget(clock, 10)
  expect(budget.hasTime).toBe(true)
  clock.advance(10)
  expect(budget.hasTime).toBe(true)
  clock.advance(0.5)
  expect(budget.hasTime).toBe(false)
  clock.advance(100)
  expect(budget.hasTime).toBe(false)
  clock.turns++
  expect(budget.hasTime).toBe(true)
})
