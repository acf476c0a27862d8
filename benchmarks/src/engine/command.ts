import type { EngineFigures } from './figures.ts'
import { measurePrefixes } from './prefix.ts'
import { measureQueues } from './queue.ts'
import { measureTokens } from './tokens.ts'

const parts: Readonly<Record<string, () => EngineFigures[]>> = {
  queue: measureQueues,
  tokens: measureTokens,
  prefix: measurePrefixes,
}

/** Measures one part of the engine and prints it as JSON. Needs `node --expose-gc`. */
export function engineCommand([name = '']: readonly string[]): void {
  const measure = parts[name]
  if (!measure) throw new Error(`engine needs one of ${Object.keys(parts).join(', ')}, got ${JSON.stringify(name)}`)
  process.stdout.write(`${JSON.stringify(measure())}\n`)
}
