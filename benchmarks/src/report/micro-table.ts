import type { MicroResult } from '../micro/measure.ts'

/** One line for each micro-benchmark. */
export function microReport(results: ReadonlyMap<string, MicroResult>): string {
  const rows = [...results].map(
    ([name, { operation, against, nanoseconds, baseline, ratio }]) =>
      `| ${name} | ${operation} | ${nanoseconds.toFixed(1)} | ${against} | ${baseline.toFixed(1)} | ${ratio.toFixed(2)} |\n`,
  )
  return `### micro\n\n| name | operation | ns | baseline | ns | ratio |\n| --- | --- | --: | --- | --: | --: |\n${rows.join('')}`
}
