import { choice, duration, float, group, option } from '@vllm-sim/config'
import { largestLoadFactor, latencyCalculators, latencyModels, longestDelay } from '@vllm-sim/latency'

const namedCalculators = latencyCalculators.filter(name => name !== '')
/** Those that the error of llm-d-inference-sim names. */
const toldCalculators = namedCalculators.filter(name => name !== 'step')

/** A duration of 0 or more that `POST /admin/config` can change and that rebuilds the latency model. */
function delay(name: string, help: string, knownAs: readonly string[] = []) {
  return option(duration, {
    knownAs,
    default: 0,
    min: 0,
    error: `${name} cannot be negative`,
    live: 'latency',
    shown: true,
    help,
  })
}

export const latency = group('Latency', {
  'latency-calculator': option(choice(...latencyCalculators), {
    default: '',
    oneOf: latencyCalculators,
    error: `unknown latency-calculator {}, supported calculators are: ${toldCalculators.join(' and ')}`,
    live: 'latency',
    shown: true,
    defaultText: latencyModels[''].help,
    help: `How prefill and transfer times are computed: ${namedCalculators.map(name => `${name}, ${latencyModels[name].help}`).join('; ')}`,
  }),
  'time-to-first-token': delay('time to first token', 'Time from being scheduled to the first token', [
    'ttft',
    'ttft-ms',
    'prefill-latency',
  ]),
  'time-to-first-token-std-dev': delay(
    'time to first token standard deviation',
    'Standard deviation of the time to first token, at most 30 % of it',
    ['ttft-std-dev', 'ttft-stddev', 'ttft-std'],
  ),
  'inter-token-latency': delay('inter token latency', 'Time from one token to the next', [
    'itl',
    'itl-ms',
    'tpot',
    'tpot-ms',
    'tbt',
    'time-per-output-token',
    'decode-latency',
    'token-latency',
  ]),
  'inter-token-latency-std-dev': delay(
    'inter token latency standard deviation',
    'Standard deviation of the inter-token latency, at most 30 % of it',
    ['itl-std-dev', 'itl-stddev', 'itl-std', 'tpot-std-dev', 'tpot-stddev', 'tpot-std'],
  ),
  'kv-cache-transfer-latency': delay(
    'kv-cache transfer time',
    'Time to first token of a request whose prefill ran elsewhere',
  ),
  'kv-cache-transfer-latency-std-dev': delay(
    'kv-cache transfer time standard deviation',
    'Standard deviation of the transfer latency, at most 30 % of it',
  ),
  'prefill-overhead': delay('prefill overhead', 'Fixed part of the prefill time, when it grows with the prompt'),
  'prefill-time-per-token': delay('prefill time per token', 'Prefill time for each prompt token that is not cached'),
  'prefill-time-std-dev': delay('prefill time standard deviation', 'Standard deviation of the whole prefill time'),
  'kv-cache-transfer-time-per-token': delay(
    'kv-cache transfer time per token',
    'Transfer time for each prompt token of a request whose prefill ran elsewhere',
  ),
  'kv-cache-transfer-time-std-dev': delay(
    'kv-cache transfer time standard deviation',
    'Standard deviation of the whole transfer time',
  ),
  'time-factor-under-load': option(float, {
    default: 1,
    min: 1,
    error: 'time factor under load cannot be less than 1.0',
    live: 'latency',
    shown: true,
    help: 'Multiplier of prefill and inter-token times when all slots are busy; grows linearly from 1',
  }),
})

/** The largest values that the latency models take, in the units in which the options are held. */
const largest = { duration: longestDelay * 1e6, factor: largestLoadFactor }

/** Why the values of these options are too large for the latency models, or undefined. */
export function latencyBound(byName: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, { type }] of Object.entries(latency.options)) {
    const value = byName[name]
    if (typeof value !== 'number') continue
    if (type === duration && value > largest.duration) {
      return `${name} must not be longer than ${longestDelay}ms, got ${value / 1e6}ms`
    }
    if (type === float && value > largest.factor) return `${name} must not be above ${largest.factor}, got ${value}`
  }
  return undefined
}
