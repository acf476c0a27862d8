import { StepLoop } from '@vllm-sim/core-engine'
import type { StepShape } from '@vllm-sim/latency'
import { BlockKeys } from '../block-keys.ts'
import { loopOptionsOf, type ReplayEngine, schedulerOf } from '../replay-engine.ts'
import { ReplayRequest } from '../replay-request.ts'
import type { Trace } from '../trace.ts'

/** An interval of steps, and how long it was measured to be. */
export interface Row {
  /** The first step and the one behind the last, as places in the shapes of the run. */
  readonly from: number
  readonly to: number
  /** Milliseconds. */
  readonly measured: number
  readonly sd: number
}

/** The steps of a run and the measured intervals between them. */
export interface LedRun {
  readonly shapes: readonly StepShape[]
  readonly rows: readonly Row[]
  readonly requests: readonly ReplayRequest[]
  /** How much longer than the other steps the first one was, as its first measured token tells. */
  readonly firstStep: number | undefined
}

/** How exact a measured interval is: a share of it and milliseconds. */
const sdOfSteps = (measured: number) => Math.hypot(0.04 * measured, 4)
/** Of the interval from first to last token, in which the number of steps is exact. */
const sdOfDecode = (measured: number) => 0.006 * measured
/** Between two events with no more steps than these is an interval. */
const fewSteps = 4

/**
 * Simulates a whole workload. Led by the data, the clock is put right where a measured request emits its first or last
 * token, or is first scheduled: what is near enough is taken for the same event.
 * @param observed the first so many requests are looked at
 */
export function ledRun(trace: Trace, engine: ReplayEngine, observed: number, isLed: boolean): LedRun {
  const scheduler = schedulerOf(engine)
  const shapes: StepShape[] = []
  /** Steps before which the engine was idle. */
  const rested = new Set<number>()
  const events: { step: number; at: number }[] = []
  const starts: number[] = new Array(trace.requests.length).fill(-1)
  const firsts: number[] = new Array(trace.requests.length).fill(-1)
  const rows: Row[] = []
  let [ended, lastEnd, corrected, lastDuration] = [0, 0, 0, 0]
  const options = loopOptionsOf(engine)
  const loop: StepLoop = new StepLoop(scheduler, options, {
    composed(batch, _, begin) {
      if (batch.parts.length > 0) {
        if (begin > lastEnd && ended === shapes.length) rested.add(shapes.length)
        shapes.push(batch.shape)
      }
      for (const { request } of batch.admitted) {
        if (request.id < observed && starts[request.id]! < 0) starts[request.id] = ended
      }
    },
    ended(batch, at) {
      ended++
      lastDuration = at - lastEnd
      lastEnd = at
      for (const { request } of batch.parts) {
        const { id } = request
        if (id >= observed) continue
        const { firstTokenAt, lastTokenAt, over } = request as ReplayRequest
        const measured = trace.requests[id]!
        if (firstTokenAt === at && firsts[id]! < 0) tellFirst(id, at)
        else if (lastTokenAt === at && over && measured.lastToken !== undefined) {
          const decode = measured.lastToken - measured.firstToken!
          rows.push({ from: firsts[id]!, to: ended, measured: decode, sd: sdOfDecode(decode) })
          events.push({ step: ended, at: measured.lastToken })
          lead(measured.lastToken)
        }
      }
      // Who is scheduled next is so by what is composed now, when that is the time at which it was.
      const next = starts.indexOf(-1)
      const scheduled = next >= 0 && next < observed ? trace.requests[next]!.scheduled : undefined
      if (scheduled !== undefined) lead(scheduled)
    },
  })
  let excess: number | undefined

  function tellFirst(id: number, at: number): void {
    const { firstToken, scheduled } = trace.requests[id]!
    firsts[id] = ended
    if (firstToken === undefined) return
    excess ??= firstToken - at + options.firstStep
    // The first step of all is longer than the model says.
    if (scheduled !== undefined && starts[id]! > 0) {
      const measured = firstToken - scheduled
      rows.push({ from: starts[id]!, to: ended, measured, sd: sdOfSteps(measured) })
    }
    events.push({ step: ended, at: firstToken })
    lead(firstToken)
  }

  /** The present is the measured time, when it is near. */
  function lead(measured: number): void {
    if (!isLed) return
    const by = measured - lastEnd
    if (Math.abs(by) > Math.max(0.6 * lastDuration, 0.05 * (lastEnd - corrected))) return
    lastEnd = measured
    corrected = measured
    loop.shift(by)
  }

  const context = {
    model: 'm',
    keys: new BlockKeys(engine.blockSize, trace.hashBlockSize ?? engine.blockSize),
    observer: {},
    ended() {},
  }
  const requests = trace.requests.map((one, id) => new ReplayRequest(context, one, id, one.arrival, 0))
  for (let next = 0; ; ) {
    for (; next < requests.length && !(requests[next]!.arrivedAt > loop.due); next++) loop.add(requests[next]!)
    if (loop.due === Number.POSITIVE_INFINITY) break
    loop.run()
    if (firsts.slice(0, observed).every(at => at >= 0) && requests.slice(0, observed).every(one => one.over)) break
  }
  const known = trace.requests.some(({ scheduled }) => scheduled !== undefined)
  return { shapes, rows: known ? rows : [...rows, ...intervals(events, rested)], requests, firstStep: excess }
}

/** Between neighbouring events, when few steps lie between them. */
function intervals(
  events: readonly { readonly step: number; readonly at: number }[],
  rested: ReadonlySet<number>,
): Row[] {
  const rows: Row[] = []
  const byStep = events.toSorted((a, b) => a.step - b.step)
  for (let at = 1; at < byStep.length; at++) {
    const [before, after] = [byStep[at - 1]!, byStep[at]!]
    const measured = after.at - before.at
    if (after.step === before.step || after.step - before.step > fewSteps || measured <= 0 || before.step === 0)
      continue
    if ([0, 1, 2, 3].some(further => before.step + further < after.step && rested.has(before.step + further))) continue
    rows.push({ from: before.step, to: after.step, measured, sd: sdOfSteps(measured) })
  }
  return rows
}
