import { microCases } from '../micro/command.ts'
import type { MicroResult } from '../micro/measure.ts'
import { runSelf } from '../servers/client.ts'

/** Longest time of one case, milliseconds. */
const limit = 60_000

/** Measures every micro-benchmark, each in a process of its own, so that none warms up or spoils the code of another. */
export async function runMicro(
  names: readonly string[] = Object.keys(microCases),
): Promise<ReadonlyMap<string, MicroResult>> {
  const results = new Map<string, MicroResult>()
  for (const name of names) results.set(name, await runSelf<MicroResult>(['micro', name], limit))
  return results
}
