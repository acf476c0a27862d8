import { expect, test } from 'vitest'
import { metricRows, metricTable } from './index.ts'

test('no name occurs twice', () => {
  const names = metricRows.map(([, row]) => row.name)
  expect(new Set(names).size).toBe(names.length)
})

test.each(metricRows)('%s is a well-formed row', (_key, row) => {
  expect(row.name).toMatch(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/)
  expect(row.help).toMatch(/\S$/)
  expect(row.name.endsWith('_total')).toBe(row.type === 'counter' || row.name === 'vllm:iteration_tokens_total')
  expect(row.bounds !== undefined).toBe(row.type === 'histogram')
  // Series are sorted by their label values, which is Go's order only when the names are sorted too.
  expect([...(row.labels ?? [])].sort()).toEqual(row.labels ?? [])
  if (row.values) expect(row.labels).toHaveLength(1)
  if (row.vllmLabels) expect(row.vllmLabels).toHaveLength(row.labels!.length)
  if (row.reads) expect(metricTable).toHaveProperty(row.reads)
})
