import { RealClock, type Timer } from '@vllm-sim/latency'

/** The machine's clock on which nothing is ever due: no test fails because the machine is slow. */
export class PatientClock extends RealClock {
  override timer(): Timer {
    return { cancel() {} }
  }

  override timerAt(): Timer {
    return { cancel() {} }
  }
}
