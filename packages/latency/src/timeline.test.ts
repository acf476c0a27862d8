import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { VirtualClock } from './clock.ts'
import { Deadline } from './deadline.ts'
import { Timeline } from './timeline.ts'

class Noted extends Deadline {
  readonly log: [name: number, at: number][]
  readonly name: number

  constructor(log: [number, number][], name: number) {
    super()
    this.log = log
    this.name = name
  }

  override onDue(now: number): void {
    this.log.push([this.name, now])
  }
}

describe('Timeline', () => {
  test('runs deadlines in order of time, ties in order of scheduling, each exactly when due', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }), times => {
        const clock = new VirtualClock()
        const timeline = new Timeline(clock)
        const log: [number, number][] = []
        times.forEach((due, name) => {
          timeline.schedule(new Noted(log, name), due)
        })
        clock.runAll()
        const expected = times.map((due, name) => [name, due]).sort((a, b) => a[1]! - b[1]! || a[0]! - b[0]!)
        expect(log).toEqual(expected)
        expect(timeline.size).toBe(0)
      }),
    )
  })

  test('a virtual clock shows the due time to the last bit, whenever it was armed', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (a, b) => {
          const clock = new VirtualClock()
          const timeline = new Timeline(clock)
          clock.advanceTo(Math.min(a, b))
          let shown = -1
          timeline.at(Math.max(a, b), () => {
            shown = clock.now()
          })
          clock.runAll()
          expect(shown).toBe(Math.max(a, b))
        },
      ),
    )
  })

  test('what is cancelled or moved runs not at all, or once at its last time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ due: fc.nat(50), cancel: fc.boolean(), move: fc.option(fc.nat(50)) }), { maxLength: 100 }),
        plan => {
          const clock = new VirtualClock()
          const timeline = new Timeline(clock)
          const log: [number, number][] = []
          const deadlines = plan.map(({ due }, name) => {
            const deadline = new Noted(log, name)
            timeline.schedule(deadline, due)
            return deadline
          })
          plan.forEach(({ move, cancel }, at) => {
            if (move !== null) timeline.schedule(deadlines[at]!, move)
            if (cancel) timeline.cancel(deadlines[at]!)
          })
          clock.runAll()
          const expected = plan.flatMap(({ due, move, cancel }, name) => (cancel ? [] : [[name, move ?? due]]))
          expect(new Map(log as [number, number][])).toEqual(new Map(expected as [number, number][]))
          expect(log.length).toBe(expected.length)
        },
      ),
    )
  })

  test('a deadline in the past runs at the next turn, without a timer', () => {
    const clock = new VirtualClock(100)
    const timeline = new Timeline(clock)
    const log: number[] = []
    timeline.at(40, now => log.push(now))
    expect(log).toEqual([])
    clock.advance(0)
    expect(log).toEqual([100])
  })

  test('being late for one deadline moves no other', () => {
    const clock = new VirtualClock()
    const timeline = new Timeline(clock)
    const log: number[] = []
    timeline.at(10, () => clock.advanceTo(25))
    timeline.at(20, now => log.push(now))
    timeline.at(40, now => log.push(now))
    clock.runAll()
    expect(log).toEqual([25, 40])
  })

  test('what falls due during a turn runs in it, at its own time', () => {
    const clock = new VirtualClock()
    const turns = vi.spyOn(clock, 'timerAt')
    const soon = vi.spyOn(clock, 'soon')
    const timeline = new Timeline(clock)
    const log: number[] = []
    timeline.at(10, () => clock.advanceTo(11))
    timeline.at(10.5, now => log.push(now))
    clock.runAll()
    expect(log).toEqual([11])
    expect(turns).toHaveBeenCalledTimes(1)
    expect(soon).not.toHaveBeenCalled()
  })

  test('a turn ends after its budget and the rest follows in the next', () => {
    const clock = new VirtualClock()
    const timeline = new Timeline(clock)
    const wakeUps = new Set<number>()
    for (let i = 0; i < 20; i++) {
      timeline.at(5, now => {
        wakeUps.add(now)
        clock.advanceTo(clock.now() + 1)
      })
    }
    clock.runAll()
    expect(timeline.size).toBe(0)
    expect(wakeUps.size).toBeGreaterThan(1)
  })

  test('what is deferred runs in its order, after what is due, and at least once in each turn', () => {
    const clock = new VirtualClock()
    const timeline = new Timeline(clock)
    const log: [number, number][] = []
    const piece = (name: number) => {
      const deadline = new Noted(log, name)
      timeline.defer(deadline)
      return deadline
    }
    const [a, b] = [piece(1), piece(2)]
    timeline.schedule(new Noted(log, 0), 0)
    clock.advance(0)
    expect(log.map(([name]) => name)).toEqual([0, 1, 2])
    timeline.defer(a)
    timeline.defer(b)
    timeline.defer(a)
    timeline.cancel(b)
    timeline.schedule(b, 5)
    expect(timeline.size).toBe(2)
    clock.runAll()
    expect(log.slice(3)).toEqual([
      [1, 0],
      [2, 5],
    ])
    // Always something due: each turn of 4 ms still runs one piece.
    const late = Array.from({ length: 8 }, () => timeline.at(6, () => clock.advanceTo(clock.now() + 1)))
    timeline.defer(a)
    clock.advanceTo(6)
    expect(late.length).toBe(8)
    expect(log.at(-1)![0]).toBe(1)
  })
})

/** A virtual clock on which turns of the event loop go by as a test says. */
class TurningClock extends VirtualClock {
  turns = 0
  #soon: (() => void)[] = []

  override get eventLoopTurn(): number {
    return this.turns
  }

  override soon(run: () => void): void {
    this.#soon.push(run)
  }

  /** Ends the present turn and begins the next. */
  turn(): void {
    for (const run of this.#soon.splice(0)) run()
    this.turns++
  }
}

describe('a crowd of newcomers', () => {
  test.each([
    [true, 10],
    [false, 320],
  ])('comes: %s, and long work has %i of 320 turns; what has a time is never late', (comes, expected) => {
    const clock = new TurningClock()
    const timeline = new Timeline(clock)
    let worked = 0
    let timed = 0
    class Long extends Deadline {
      override onDue(): void {
        worked++
        clock.advanceTo(clock.now() + 5)
        timeline.defer(this)
      }
    }
    timeline.defer(new Long())
    for (let turn = 0; turn < 320; turn++) {
      if (comes) timeline.newcomer()
      timeline.at(clock.now(), () => timed++)
      clock.turn()
    }
    expect(timed).toBe(320)
    expect(worked).toBeGreaterThanOrEqual(expected)
    expect(worked).toBeLessThanOrEqual(expected + 10)
  })

  test('calls share the time of a turn, and have none of it while a crowd comes', () => {
    const clock = new TurningClock()
    const timeline = new Timeline(clock)
    clock.turns = 1
    expect(timeline.isOver).toBe(false)
    clock.advance(10)
    expect(timeline.isOver).toBe(true)
    clock.turns++
    expect(timeline.isOver).toBe(false)
    for (let i = 0; i < 5; i++) {
      clock.turns++
      timeline.newcomer()
    }
    clock.advance(10)
    expect(timeline.isOver).toBe(true)
    clock.turns += 2
    expect(timeline.isOver).toBe(false)
  })
})
