import type { MicroCase } from './case.ts'
import { fnvCase, sha256Case } from './hashing.ts'
import { frameCase, refusedCase, unaryCase } from './http.ts'
import { measureCase } from './measure.ts'
import { metricsCase } from './metrics.ts'
import { randomTextCase, seedCase, tokenizerCase } from './text.ts'
import { timelineCase } from './timeline.ts'

/** Every micro-benchmark by name. A new one is a row here. */
export const microCases: Readonly<Record<string, () => MicroCase | Promise<MicroCase>>> = {
  timeline: timelineCase,
  frame: frameCase,
  text: randomTextCase,
  metrics: metricsCase,
  seed: seedCase,
  tokenizer: tokenizerCase,
  request: unaryCase,
  refused: refusedCase,
  fnv: fnvCase,
  sha256: sha256Case,
}

/** Measures one case in this process and prints it as JSON. */
export async function microCommand([name = '']: readonly string[]): Promise<void> {
  const make = microCases[name]
  if (!make) throw new Error(`micro needs one of ${Object.keys(microCases).join(', ')}, got ${JSON.stringify(name)}`)
  process.stdout.write(`${JSON.stringify(await measureCase(await make()))}\n`)
  // Memory sockets keep servers alive.
  process.exit(0)
}
