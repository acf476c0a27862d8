import { Connection } from './connection.ts'
import { Failures } from './failures.ts'

/** Time between two large prompts, milliseconds. */
const pause = 200

export interface DisturbanceResult {
  /** Large prompts that were answered. */
  readonly prompts: number
  readonly errors: number
  readonly problems: string
}

/** Sends large requests, one at a time, until `stop` is called. */
export function disturb(url: URL, request: Buffer): { stop(): Promise<DisturbanceResult> } {
  const connection = new Connection(url)
  const failures = new Failures()
  let stopped = false
  let prompts = 0
  const work = (async () => {
    while (!stopped) {
      await new Promise(resolve => setTimeout(resolve, pause))
      if (stopped) break
      if (failures.check(await connection.ask(request))) prompts++
    }
    connection.close()
  })()
  return {
    async stop() {
      stopped = true
      await work
      return { prompts, errors: failures.count, problems: failures.text }
    },
  }
}
