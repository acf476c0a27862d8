import { duration, group, int, option, optional, texts } from '@vllm-sim/config'
import { fakeMetrics } from '../config/fake-metrics/type.ts'

/** Names of the failures that can be injected, in the order in which one is drawn. */
export const FAILURE_TYPES = [
  'rate_limit',
  'invalid_api_key',
  'context_length',
  'server_error',
  'invalid_request',
  'model_not_found',
] as const

export const failures = group('Failures and fake metrics', {
  'failure-injection-rate': option(int, {
    default: 0,
    min: 0,
    max: 100,
    error: 'failure injection rate should be between 0 and 100',
    live: 'other',
    shown: true,
    help: 'Percentage of generation requests that fail',
  }),
  'failure-types': optional(texts, {
    live: 'other',
    shown: true,
    defaultText: 'all',
    help: `Which failures: ${FAILURE_TYPES.join(', ')}`,
  }),
  'fake-metrics': optional(fakeMetrics, {
    plainWord: true,
    live: 'other',
    shown: true,
    defaultText: 'none',
    help: 'Values, or functions of time, that /metrics shows instead of measured ones',
  }),
  'fake-metrics-refresh-interval': option(duration, {
    default: 100_000_000,
    shown: true,
    help: 'How often functions of time in fake metrics are evaluated',
  }),
})
