import type { Clock, RequestError } from '@vllm-sim/core-engine'
import type { ErrorForm } from './errors.ts'
import type { EventStream } from './event-stream.ts'

/** What a step added to a stream: a whole event, a piece of one, or nothing before there is something new to tell. */
export type Step = 'event' | 'piece' | 'none'

/** Makes the events of a stream one after the other. */
export interface Steps {
  /** Adds to the stream. @returns undefined when nothing is left */
  step(): Step | undefined
}

/** Characters that are made before the client has to take them. */
const portion = 32_768

/** Sends a stream whose events are made as the client takes them, and ends it. */
export class Feed {
  readonly #clock: Clock
  readonly #out: EventStream
  readonly #steps: Steps
  readonly #over: () => void
  #waits = false
  /** What was sent ends with a whole event. */
  #whole = true

  /**
   * @param clock of the machine
   * @param over is called when the stream has ended, unless the client left
   */
  constructor(clock: Clock, out: EventStream, steps: Steps, over: () => void) {
    this.#clock = clock
    this.#out = out
    this.#steps = steps
    this.#over = over
  }

  /** There is something to tell; it is sent soon. */
  wake(): void {
    if (this.#waits) return
    this.#waits = true
    this.#clock.whenFree(() => this.next())
  }

  /** Sends a portion now, the others soon. */
  next(): void {
    const out = this.#out
    this.#waits = false
    if (out.closed) return
    let step: Step | undefined
    do step = this.#steps.step()
    while (step && step !== 'none' && out.pending < portion)
    this.#whole = step !== 'piece'
    if (step === undefined) {
      out.end()
      this.#over()
    } else if (!out.flush()) {
      this.#waits = true
      out.onDrain(() => {
        this.#waits = false
        this.wake()
      })
    } else if (step !== 'none') this.wake()
  }

  /** Ends the stream with an error; inside of an event it can only be cut. */
  fail(error: RequestError, form: ErrorForm): void {
    if (this.#whole) {
      this.#out.frame(form.frames(error))
      this.#out.end()
    } else this.#out.destroy()
  }
}
