import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StepBlocks } from './step-blocks.ts'
import { StepLoop } from './step-loop.ts'
import { StepRequest } from './step-request.ts'
import { StepScheduler } from './step-scheduler.ts'

interface Given {
  readonly arrival: number
  readonly prompt: number
  readonly max: number
  readonly priority: number
  readonly lora: number
  readonly shared: number
  readonly abort: number | undefined
  readonly accept: number
}

/** Generates exactly its limit, unless it is aborted. */
class Row extends StepRequest {
  readonly given: Given
  generated = 0
  firstAt = Number.NaN
  aborted = false
  wasRefused = false

  constructor(id: number, given: Given) {
    super({ ...given, id, promptTokens: given.prompt, maxTokens: given.max })
    this.given = given
  }

  override key(index: number): string {
    return index < this.given.shared ? `${this.lora} ${index}` : `${this.id} ${index}`
  }

  override accepted(drafts: number, padding: boolean): number {
    return padding ? 0 : Math.min(drafts, this.given.accept)
  }

  override deliver(most: number): number {
    const count = Math.min(most, this.maxTokens - this.generated)
    this.generated += count
    this.over = this.generated === this.maxTokens
    return count
  }

  override admitted(_cached: number, now: number): boolean {
    if (Number.isNaN(this.firstAt)) this.firstAt = now
    return true
  }

  override preempted(): void {}

  override refused(): void {
    this.wasRefused = true
  }
}

/** `expect` is slow, and there are thousands of steps. */
function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
}

const blockSize = 4
const request = fc.record({
  arrival: fc.integer({ min: 0, max: 300 }),
  prompt: fc.integer({ min: 1, max: 40 }),
  max: fc.integer({ min: 1, max: 20 }),
  priority: fc.integer({ min: -1, max: 1 }),
  lora: fc.integer({ min: 0, max: 3 }),
  shared: fc.integer({ min: 0, max: 4 }),
  abort: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined, freq: 5 }),
  accept: fc.integer({ min: 0, max: 3 }),
})
const engine = fc.record({
  maxNumSeqs: fc.integer({ min: 1, max: 6 }),
  maxNumBatchedTokens: fc.integer({ min: 6, max: 64 }),
  longPrefillTokenThreshold: fc.constantFrom(0, 0, 8),
  policy: fc.constantFrom('fcfs' as const, 'priority' as const),
  watermark: fc.constantFrom(0, 0.1),
  reserveFullInput: fc.boolean(),
  maxLoras: fc.constantFrom(0, 1, 2),
  numSpeculativeTokens: fc.constantFrom(0, 0, 2),
  numLookaheadTokens: fc.constantFrom(0, 2),
  numBlocks: fc.integer({ min: 12, max: 40 }),
  caching: fc.boolean(),
  async: fc.boolean(),
})

test('nothing is lost: blocks, tokens, requests, order', () => {
  fc.assert(
    fc.property(engine, fc.array(request, { minLength: 1, maxLength: 25 }), ({ caching, async, ...options }, given) => {
      const blocks = new StepBlocks(options.numBlocks, blockSize, caching)
      const maxModelLen = 64
      const scheduler = new StepScheduler({ ...options, maxModelLen, chunkedPrefill: true }, blocks)
      const rows = given.toSorted((a, b) => a.arrival - b.arrival).map((one, id) => new Row(id, one))
      const conserved = () => {
        const owned = new Map<unknown, number>()
        for (const row of rows) for (const block of row.blocks) owned.set(block, (owned.get(block) ?? 0) + 1)
        check(blocks.free + owned.size === blocks.usable, 'each block is free or referenced')
        for (const [block, references] of owned) {
          check((block as { references: number }).references === references, 'references are those of the requests')
        }
      }
      const loop = new StepLoop(
        scheduler,
        {
          depth: async ? 2 : 1,
          arrivalDelay: 0,
          firstStep: 0,
          firstStepBlocks: false,
          duration: ({ tokens }) => 5 + tokens,
        },
        {
          composed(batch) {
            conserved()
            const tokens = batch.parts.reduce((sum, part) => sum + part.tokens, 0)
            check(tokens === batch.shape.tokens, 'the shape has all tokens')
            check(tokens <= options.maxNumBatchedTokens, 'the budget holds')
            check(scheduler.running.length <= options.maxNumSeqs, 'the slots suffice')
            for (const { request: one } of batch.admitted) {
              if (options.policy !== 'priority' || options.maxLoras > 0 || one.preemptions > 0) continue
              for (const row of rows) {
                if (
                  row.status === 'waiting' &&
                  row.arrival < loop.due &&
                  Number.isNaN(row.firstAt) &&
                  row.arrival <= one.arrival
                ) {
                  check(row.priority >= one.priority, 'nobody more urgent waits')
                }
              }
            }
          },
          ended: conserved,
        },
      )
      for (const row of rows) loop.add(row)
      while (loop.due < Number.POSITIVE_INFINITY) {
        for (const row of rows) {
          const { abort } = row.given
          if (abort === undefined || abort > loop.due || row.status === 'ended') continue
          row.aborted = true
          loop.end(row)
          conserved()
        }
        if (loop.due < Number.POSITIVE_INFINITY) loop.run()
      }
      expect(blocks.free).toBe(blocks.usable)
      for (const row of rows) {
        expect(row.status).toBe('ended')
        if (row.aborted) continue
        const room = Math.min(row.tokens + options.numLookaheadTokens, maxModelLen) + 1
        if (row.wasRefused) expect(Math.ceil(room / blockSize)).toBeGreaterThan(blocks.usable - 1)
        else expect(row.generated).toBe(row.maxTokens)
      }
      if (options.policy === 'fcfs' && options.maxLoras === 0) {
        const started = rows.filter(row => !Number.isNaN(row.firstAt)).map(row => row.firstAt)
        expect(started).toEqual(started.toSorted((a, b) => a - b))
      }
    }),
    { numRuns: 200 },
  )
})
