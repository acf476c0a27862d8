import type { Clock } from '@vllm-sim/core-engine'
import type { CacheConfigInfo } from './cache-config.ts'
import type { FakeMetricsConfig } from './fake/config.ts'
import type { ProcessStats } from './process.ts'

/** What `createMetrics` needs to know of a server. One per server, or per data-parallel rank. */
export interface MetricsOptions {
  readonly clock: Clock
  /** First served model name, the label `model_name` of every series, also of requests to an adapter. */
  readonly modelName: string
  /** Context length in tokens: where the buckets of token histograms end. */
  readonly maxModelLen: number
  /** Adapters that fit into a batch, the label `max_lora`. */
  readonly maxLoras: number
  readonly cacheConfig: CacheConfigInfo
  /**
   * `reference` (default): llm-d-inference-sim's label sets. `vllm`: vLLM's, which have `engine` on all series of the
   * engine, `finished_reason` for `finish_reason`, and every cache option on `cache_config_info`.
   */
  readonly labels?: 'reference' | 'vllm' | undefined
  /** Data-parallel rank, the label `engine`; 0 when left out. */
  readonly engineIndex?: number | undefined
  /**
   * Brings back names that vLLM has dropped after this version (`major.minor`), as its option of the same name does.
   */
  readonly showHiddenMetricsForVersion?: string | undefined
  /** `false`: no `vllm:` series at all, as with vLLM's `--disable-log-stats`. */
  readonly logStats?: boolean | undefined
  /** The KV connector whose families are shown; none when left out. */
  readonly kvConnector?: 'nixl' | undefined
  /** Asked at each scrape. Without it there are no `process_*` families. */
  readonly processStats?: (() => ProcessStats) | undefined
  /** Shows these values instead of real ones, for as long as the server lives. */
  readonly fake?: FakeMetricsConfig | undefined
}

/** `showHiddenMetricsForVersion` is not a version. */
export class VersionError extends Error {
  override readonly name = 'VersionError'

  constructor(text: string) {
    super(`show-hidden-metrics-for-version needs a version such as 0.9, got '${text}'`)
  }
}

/** @throws VersionError */
function parseVersion(text: string): readonly [number, number] {
  const match = /^v?(\d+)\.(\d+)(?:\.\w+)*$/.exec(text)
  if (!match) throw new VersionError(text)
  return [Number(match[1]), Number(match[2])]
}

/** Whether version `text` is before `other`. @throws VersionError */
export function isBefore(text: string, other: string): boolean {
  const [major, minor] = parseVersion(text)
  const [otherMajor, otherMinor] = parseVersion(other)
  return major < otherMajor || (major === otherMajor && minor < otherMinor)
}
