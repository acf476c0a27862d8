import { cpuTime } from '../measure/cpu-time.ts'
import type { MicroCase } from './case.ts'

/** Nanoseconds per operation, and `nanoseconds / baseline`. */
export interface MicroResult {
  readonly operation: string
  readonly against: string
  readonly nanoseconds: number
  readonly baseline: number
  readonly ratio: number
}

/** Length of one count, and how many counts there are of each side. The best one is taken. */
const sliceMilliseconds = 15
const slices = 25

type Work = (count: number) => void | Promise<void>

/** Times both sides of a case in turns. */
export async function measureCase({ operation, against, run, baseline }: MicroCase): Promise<MicroResult> {
  const runs = await sliceSize(run)
  const baselines = await sliceSize(baseline)
  let best = Number.POSITIVE_INFINITY
  let bestBaseline = Number.POSITIVE_INFINITY
  for (let slice = 0; slice < slices; slice++) {
    best = Math.min(best, await nanosecondsEach(run, runs))
    bestBaseline = Math.min(bestBaseline, await nanosecondsEach(baseline, baselines))
  }
  return { operation, against, nanoseconds: best, baseline: bestBaseline, ratio: best / bestBaseline }
}

/** Warms up and finds how many operations fill a slice. */
async function sliceSize(work: Work): Promise<number> {
  for (let count = 64; ; count *= 2) {
    const each = await nanosecondsEach(work, count)
    if (each * count > (sliceMilliseconds * 1e6) / 2) {
      // The code has become faster meanwhile.
      return Math.ceil((sliceMilliseconds * 1e6) / (await nanosecondsEach(work, count)))
    }
  }
}

async function nanosecondsEach(work: Work, count: number): Promise<number> {
  const start = cpuTime()
  const pending = work(count)
  if (pending) await pending
  return ((cpuTime() - start) * 1e6) / count
}
