import fc from 'fast-check'
import { Histogram as PromHistogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { firstTokenBounds } from './bounds.ts'
import { Group, Histogram, Scalar } from './cells.ts'
import { Family } from './family.ts'

const bounds = [...firstTokenBounds]

/** On and around the bounds as well as anywhere. */
const observations = fc.array(
  fc.oneof(fc.constantFrom(...bounds), fc.double({ min: 0, max: 5000, noNaN: true }), fc.constant(0)),
)

function ownFamily(): { histogram: Histogram; family: Family } {
  const group = new Group(() => new Histogram(bounds))
  const histogram = group.at()
  const row = { name: 'h', type: 'histogram', help: 'A histogram.' } as const
  return { histogram, family: new Family({ row, group, labelNames: [], labels: { model_name: 'm' } }) }
}

test("any observations give the buckets, sum and count of prom-client's histogram", async () => {
  await fc.assert(
    fc.asyncProperty(observations, async values => {
      const registers = [new Registry()]
      const reference = new PromHistogram({
        name: 'h',
        help: 'A histogram.',
        buckets: bounds,
        labelNames: ['model_name'],
        registers,
      })
      reference.zero({ model_name: 'm' })
      const { histogram, family } = ownFamily()
      for (const value of values) {
        reference.observe({ model_name: 'm' }, value)
        histogram.observe(value)
      }
      const plain = (samples: { metricName?: string; labels: object; value: number }[]) =>
        samples.map(({ metricName, labels, value }) => [
          metricName,
          Object.entries({
            ...labels,
            ...('le' in labels ? { le: Number(String(labels.le).replace('+Inf', 'Infinity')) } : {}),
          }).sort(),
          value,
        ])
      expect(plain((await family.get()).values)).toEqual(plain((await reference.get()).values))
    }),
    { numRuns: 50 },
  )
})

test('many equal observations are the same as one by one', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 100, noNaN: true }), fc.integer({ min: 0, max: 50 }), (value, times) => {
      const one = new Histogram(bounds)
      const many = new Histogram(bounds)
      for (let i = 0; i < times; i++) one.observe(value)
      many.observeMany(value, times)
      expect(many.counts).toEqual(one.counts)
      expect(many.sum).toBeCloseTo(one.sum, 6)
    }),
  )
})

test('a group keeps one cell per label values, ordered by them', () => {
  const group = new Group(() => new Scalar())
  group.at('b', 'a').value = 1
  group.at('a', 'c').value = 2
  group.at('b', 'a').value += 1
  expect(group.sorted().map(({ values, cell }) => [...values, cell.value])).toEqual([
    ['a', 'c', 2],
    ['b', 'a', 2],
  ])
  group.delete('b', 'a')
  expect(group.size).toBe(1)
})
