import { Counter, exposition, Gauge, Histogram } from './series.ts'

const prefix = 'llm_d_disagg_sidecar_'

/** Steps of a request. */
const phases = ['encode', 'prefill', 'decode'] as const
export type Phase = (typeof phases)[number]

/** Which steps a request has that is disaggregated, in the words of llm-d's endpoint picker. */
export type DisaggType = 'prefill-decode' | 'encode-prefill-decode' | 'encode-decode'

/** What the sidecar counts. The first six are llm-d's, the others ours. */
export class Metrics {
  readonly requests = new Counter(
    `${prefix}requests_total`,
    'Requests of the APIs that can be disaggregated',
    'api_type',
    [],
  )
  readonly disaggregated = new Counter(
    `${prefix}disagg_requests_total`,
    'Requests that were disaggregated',
    'disagg_type',
    ['prefill-decode', 'encode-prefill-decode', 'encode-decode'] satisfies DisaggType[],
  )
  readonly errors = new Counter(`${prefix}request_errors_total`, 'Steps that failed', 'stage', phases)
  readonly durations: Readonly<Record<Phase, Histogram>> = {
    encode: new Histogram(`${prefix}encode_duration_seconds`, 'Time of the encode step'),
    prefill: new Histogram(`${prefix}prefill_duration_seconds`, 'Time of the prefill step'),
    decode: new Histogram(`${prefix}decode_duration_seconds`, 'Time of the decode step'),
  }
  readonly retries = new Counter(`${prefix}prefill_retries_total`, 'Further attempts of prefill legs')
  readonly fallbacks = new Counter(
    `${prefix}prefill_fallbacks_total`,
    'Requests that the decoder prefilled itself because no prefiller could',
  )
  readonly denied = new Counter(
    `${prefix}denied_targets_total`,
    'Targets of requests that are not allowed, or are none',
    'stage',
    ['encode', 'prefill', 'cache_source'],
  )
  readonly withoutParams = new Counter(
    `${prefix}prefill_without_kv_transfer_params_total`,
    'Prefill answers without kv_transfer_params: the decoder prefills itself',
  )
  readonly stateful = new Counter(
    `${prefix}stateful_responses_total`,
    'Responses requests with a history on the server, left to the decoder',
  )
  readonly aborts = new Counter(
    `${prefix}aborts_total`,
    'Requests whose client left, by the step that was under way',
    'phase',
    phases,
  )
  readonly openLegs = new Gauge(`${prefix}open_legs`, 'Legs that are under way', 'stage', phases)

  /** Of MoRI-IO's peers, in llm-d's names. */
  readonly dns = {
    again: new Counter('moriio_dns_reresolve_total', 'Addresses of peers that were looked up anew'),
    changed: new Counter('moriio_dns_ip_changed_total', 'Look-ups that gave another address than before'),
    failed: new Counter('moriio_dns_lookup_failures_total', 'Look-ups that failed'),
  }

  /** The text of `/metrics`. */
  text(): string {
    const {
      requests,
      disaggregated,
      errors,
      durations,
      retries,
      fallbacks,
      denied,
      withoutParams,
      stateful,
      aborts,
      openLegs,
    } = this
    return exposition([
      requests,
      disaggregated,
      errors,
      ...Object.values(durations),
      retries,
      fallbacks,
      denied,
      withoutParams,
      stateful,
      aborts,
      openLegs,
      ...Object.values(this.dns),
    ])
  }
}
