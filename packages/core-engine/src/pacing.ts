import { Deadline } from '@vllm-sim/latency'

/** What the pacer of a sequence keeps of it. */
export abstract class Pacing extends Deadline {
  /** When the next token is due. */
  nextDue: number
  /** Not to be advanced for now. */
  held = false

  constructor(nextDue: number) {
    super()
    this.nextDue = nextDue
  }
}
