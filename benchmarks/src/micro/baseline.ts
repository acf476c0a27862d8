import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MicroResult } from './measure.ts'

const path = fileURLToPath(new URL('../../baseline.json', import.meta.url))

/** Ratios to the baselines by case, as they were when they were last accepted. */
export type Ratios = Readonly<Record<string, number>>

export function readRatios(): Ratios {
  return (JSON.parse(readFileSync(path, 'utf8')) as { ratios: Ratios }).ratios
}

/** Keeps ratios; those of cases that were not measured stay. */
export function writeRatios(results: ReadonlyMap<string, MicroResult>): void {
  const ratios: Record<string, number> = { ...readRatios() }
  for (const [name, { ratio }] of results) ratios[name] = Number(ratio.toPrecision(3))
  writeFileSync(path, `${JSON.stringify({ ratios }, null, 2)}\n`)
}

/** A ratio that grew by this factor is reported. */
const suspicious = 2

/** One line for each case that costs at least twice of what it did. */
export function doubled(results: ReadonlyMap<string, MicroResult>, known: Ratios): string[] {
  const lines: string[] = []
  for (const [name, { ratio, operation }] of results) {
    const before = known[name]
    if (before !== undefined && ratio >= suspicious * before) {
      lines.push(`${name} (${operation}): ${ratio.toPrecision(3)} times its baseline, it was ${before}`)
    }
  }
  return lines
}
