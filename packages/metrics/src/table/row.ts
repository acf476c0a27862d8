/** What one metric family is. Adding a metric is adding such a row, and a line to the observer that moves it. */
export interface MetricRow {
  /** Name on the wire, with the `_total` of a counter. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly help: string
  /** Histograms: upper bounds, or `tokens` for the 1-2-5 series up to the model's context length. */
  readonly bounds?: readonly number[] | 'tokens'
  /**
   * Labels beside those of the scope, in alphabetical order. Absent: one series, there from the start. Given (even
   * empty): a group of series.
   */
  readonly labels?: readonly string[]
  /** The same labels under `labels: 'vllm'`, where the names differ. */
  readonly vllmLabels?: readonly string[]
  /** For a single label: the values whose series exist from the start. */
  readonly values?: readonly string[]
  /** `model` (default): `model_name`, and `engine` with vLLM's labels. `engine`: only the latter. `process`: none. */
  readonly scope?: 'model' | 'engine' | 'process'
  /** Key of the row whose observations this one shows under another name. */
  readonly reads?: string
  /** Member of the fake configuration that sets it. Without one it is absent in fake mode. */
  readonly fake?: FakeSource
  /**
   * The vLLM version, `major.minor`, that dropped the name. Such a row appears only with `showHiddenMetricsForVersion`
   * set to an earlier version.
   */
  readonly removedIn?: string
  /** Such a row appears only in an instance with this KV connector. */
  readonly shownWith?: 'nixl'
  /** HELP and TYPE appear even while there is no series, as Python's client does. */
  readonly announced?: boolean
  /** When vLLM got it, or that only llm-d-inference-sim has it. */
  readonly since?: string
}

/** Keys of fake histograms, as a configuration spells them. */
export type FakeHistogramKey =
  | 'ttft-buckets-values'
  | 'tpot-buckets-values'
  | 'request-tpot-buckets-values'
  | 'e2erl-buckets-values'
  | 'queue-time-buckets-values'
  | 'inf-time-buckets-values'
  | 'prefill-time-buckets-values'
  | 'decode-time-buckets-values'
  | 'request-prompt-tokens'
  | 'request-generation-tokens'
  | 'request-params-max-tokens'
  | 'request-max-generation-tokens'

/** Members of the fake configuration that are a number or a generator. */
export type FakeGaugeKey = 'runningRequests' | 'waitingRequests' | 'kvCacheUsage'

/** What in a fake configuration can feed a family. */
export type FakeSource =
  | FakeHistogramKey
  | FakeGaugeKey
  | 'loras'
  | 'cacheConfig'
  | 'requestSuccessTotal'
  | 'totalPromptTokens'
  | 'totalGenerationTokens'
  | 'prefixCacheHits'
  | 'prefixCacheQueries'
