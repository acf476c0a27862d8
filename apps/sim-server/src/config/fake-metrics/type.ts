import type { ValueType } from '@vllm-sim/config'
import { reasonOf, toJson } from '@vllm-sim/config'
import { COUNTER_KEYS, type FakeMetrics, FINISH_REASONS, GAUGE_KEYS, HISTOGRAM_KEYS } from './fake-metrics.ts'
import { parseFakeMetrics } from './parse.ts'

/** Fake metrics: a JSON object on the command line, a mapping in YAML. `null` means none, also where YAML has some. */
export const fakeMetrics: ValueType<FakeMetrics | undefined> = {
  label: 'json',
  arity: 'one',
  parse(word, warn) {
    const value = parseJson(word)
    return value === null ? undefined : parseFakeMetrics(value, 'json', key => warn(unknownKey(key)))
  },
  read: (node, warn) => parseFakeMetrics(toJson(node), 'yaml', key => warn(unknownKey(key))),
  fromJson: value =>
    parseFakeMetrics(value, 'json', key => {
      throw new Error(`unknown key ${JSON.stringify(key)}`)
    }),
  schema: fakeMetricsSchema(),
}

function fakeMetricsSchema(): Record<string, unknown> {
  const count = { type: 'integer', minimum: 0 }
  const each = (keys: readonly string[], schema: unknown) => Object.fromEntries(keys.map(key => [key, schema]))
  return {
    type: ['object', 'null'],
    properties: {
      ...each(GAUGE_KEYS, { type: ['number', 'string'], description: 'A number, or function:start:end:period' }),
      ...each(HISTOGRAM_KEYS, { type: 'array', items: count, description: 'Observations per bucket' }),
      ...each(COUNTER_KEYS, count),
      loras: { type: 'array', items: { type: ['string', 'object'] } },
      'request-success-total': { type: 'object', properties: each(FINISH_REASONS, count), additionalProperties: false },
    },
  }
}

function unknownKey(key: string): string {
  return `unknown key "${key}" is ignored`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`not valid JSON: ${reasonOf(error)}`)
  }
}
