import type { StepShape } from '@vllm-sim/latency'
import { expect, test } from 'vitest'
import { Lockstep } from './lockstep.ts'
import { StepBlocks } from './step-blocks.ts'
import { StepLoop } from './step-loop.ts'
import { StepRequest } from './step-request.ts'
import { StepScheduler } from './step-scheduler.ts'

class Row extends StepRequest {
  readonly at: number[] = []

  constructor(id: number, arrival: number, promptTokens: number, maxTokens: number) {
    super({ id, arrival, priority: 0, lora: 0, promptTokens, maxTokens })
  }

  override key(index: number): string {
    return `${index}`
  }

  override accepted(): number {
    return 0
  }

  override deliver(_: number, now: number): number {
    this.at.push(now)
    this.over = this.at.length === this.maxTokens
    return 1
  }

  cached = -1

  override admitted(cached: number): boolean {
    this.cached = cached
    return true
  }

  override preempted(): void {}

  override refused(): void {}
}

const options = {
  maxNumSeqs: 4,
  maxNumBatchedTokens: 8,
  maxModelLen: 64,
  chunkedPrefill: true,
  longPrefillTokenThreshold: 0,
  policy: 'fcfs',
  watermark: 0,
  reserveFullInput: true,
  maxLoras: 0,
  numSpeculativeTokens: 0,
  numLookaheadTokens: 0,
  numBlocks: 20,
} as const

/** Runs requests on two ranks. @returns the tokens of each step, and the decodes that counted */
function run(rows: readonly Row[]): { tokens: number; decodes: number }[] {
  const steps: { tokens: number; decodes: number }[] = []
  const ranks = [1, 2].map(() => new StepScheduler(options, new StepBlocks(20, 4, true)))
  const scheduler = new Lockstep(ranks, (shape: StepShape) => shape.decodes + shape.prefillTokens)
  const loop = new StepLoop(
    scheduler,
    { depth: 1, arrivalDelay: 0, firstStep: 0, firstStepBlocks: false, duration: ({ tokens }) => 10 + tokens },
    {
      composed: ({ shape: { tokens, decodes } }) => {
        steps.push({ tokens, decodes })
        const owned = rows.reduce((sum, row) => sum + row.blocks.length, 0)
        expect(scheduler.blocks.free + owned).toBe(scheduler.blocks.usable)
      },
    },
  )
  for (const row of rows) loop.add(row)
  while (loop.due < Number.POSITIVE_INFINITY) loop.run()
  expect(rows.map(row => row.status)).toEqual(rows.map(() => 'ended'))
  expect(scheduler.blocks.free).toBe(scheduler.blocks.usable)
  return steps
}

test('ranks share the time of a step, not its tokens: each has its own budget', () => {
  const [a, b] = [new Row(0, 0, 8, 2), new Row(1, 0, 8, 3)]
  expect(run([a!, b!])).toEqual([
    { tokens: 16, decodes: 0 },
    { tokens: 2, decodes: 1 },
    { tokens: 1, decodes: 1 },
  ])
  expect([a!.at, b!.at]).toEqual([
    [26, 38],
    [26, 38, 49],
  ])
})

test('requests go to the rank with the least to do, and a rank knows only its own blocks', () => {
  const rows = [new Row(0, 0, 8, 1), new Row(1, 0, 8, 1), new Row(2, 200, 9, 1), new Row(3, 200, 9, 1)]
  run(rows)
  expect(rows.map(row => row.cached)).toEqual([0, 0, 8, 8])
  const twice = [new Row(0, 0, 8, 1), new Row(1, 200, 9, 1), new Row(2, 201, 9, 1)]
  run(twice)
  expect(twice.map(row => row.cached)).toEqual([0, 8, 0])
})
