import type { Replay } from './replay.ts'
import type { ReplayRequest } from './replay-request.ts'
import { Bins, type Errors, errorsOf, Statistics } from './statistics.ts'
import type { Trace } from './trace.ts'

/** One line of the report: what it is called, in text and in JSON, and its value. */
interface Line {
  readonly name: string
  readonly key: string
  readonly value: number
  /** Digits after the point. */
  readonly digits: number
}

interface Section {
  readonly title: string
  readonly lines: readonly Line[]
}

/** Times between tokens: heard while a trace is run, since there are as many as tokens. */
export class TokenTimes {
  readonly bins = new Bins()

  /** As an engine's observer. */
  onTokens(
    request: { readonly generatedTokens: number; readonly lastTokenAt: number },
    count: number,
    now: number,
  ): void {
    if (request.generatedTokens === 0) return
    this.bins.add(now - request.lastTokenAt)
    for (let further = 1; further < count; further++) this.bins.add(0)
  }
}

/** What `vllm bench serve` prints of a run, and what only a simulator knows. */
export class Report {
  readonly #sections: readonly Section[]

  constructor({ requests, peakUsage, steps }: Replay, times: TokenTimes) {
    const done = requests.filter(one => one.over)
    const sum = (of: (one: ReplayRequest) => number) => requests.reduce((total, one) => total + of(one), 0)
    const end = done.reduce((latest, { lastTokenAt }) => Math.max(latest, lastTokenAt), 0)
    const seconds = (end - (requests[0]?.arrivedAt ?? 0)) / 1000
    const [input, output] = [sum(one => one.promptTokens), sum(one => one.generatedTokens)]
    const per = (count: number) => (seconds > 0 ? count / seconds : 0)
    const whole = (name: string, key: string, value: number): Line => ({ name, key, value, digits: 0 })
    const number = (name: string, key: string, value: number): Line => ({ name, key, value, digits: 2 })
    const spread = (short: string, key: string, values: Statistics | Bins): Line[] => [
      number(`Mean ${short} (ms):`, `mean_${key}_ms`, values.mean),
      number(`Median ${short} (ms):`, `median_${key}_ms`, values.percentile(50)),
      number(`P90 ${short} (ms):`, `p90_${key}_ms`, values.percentile(90)),
      number(`P99 ${short} (ms):`, `p99_${key}_ms`, values.percentile(99)),
    ]
    const cached = sum(one => one.cachedTokens)
    this.#sections = [
      {
        title: ' Serving Benchmark Result ',
        lines: [
          whole('Successful requests:', 'completed', done.length),
          whole('Failed requests:', 'failed', requests.length - done.length),
          number('Benchmark duration (s):', 'duration', seconds),
          whole('Total input tokens:', 'total_input_tokens', input),
          whole('Total generated tokens:', 'total_output_tokens', output),
          number('Request throughput (req/s):', 'request_throughput', per(done.length)),
          number('Output token throughput (tok/s):', 'output_throughput', per(output)),
          number('Total token throughput (tok/s):', 'total_token_throughput', per(input + output)),
        ],
      },
      { title: 'Time to First Token', lines: spread('TTFT', 'ttft', new Statistics(done.map(firstToken))) },
      {
        title: 'Time per Output Token (excl. 1st token)',
        lines: spread('TPOT', 'tpot', new Statistics(done.filter(one => one.maxTokens > 1).map(perToken))),
      },
      { title: 'Inter-token Latency', lines: spread('ITL', 'itl', times.bins) },
      { title: 'End-to-end Latency', lines: spread('E2EL', 'e2el', new Statistics(done.map(endToEnd))) },
      {
        title: 'Simulation',
        lines: [
          whole('Engine steps:', 'steps', steps),
          whole(
            'Preemptions:',
            'preemptions',
            sum(one => one.preemptions),
          ),
          number('Prefix cache hit rate (%):', 'prefix_cache_hit_rate', input > 0 ? (100 * cached) / input : 0),
          number('Peak KV cache usage (%):', 'peak_kv_cache_usage', 100 * peakUsage),
          number('Simulated time (s):', 'simulated_s', seconds),
        ],
      },
    ]
  }

  /** @param real seconds that the simulation took */
  table(real: number): string {
    const out: string[] = []
    for (const [at, { title, lines }] of this.#sections.entries()) {
      out.push(centred(title, at === 0 ? '=' : '-'))
      for (const { name, value, digits } of lines) out.push(name.padEnd(41) + value.toFixed(digits).padEnd(10))
    }
    out.push('Real time (s):'.padEnd(41) + real.toFixed(2).padEnd(10), '='.repeat(50))
    return `${out.join('\n')}\n`
  }

  /** @param real seconds that the simulation took */
  json(real: number): string {
    return `${JSON.stringify({ ...Object.fromEntries(this.#lines.map(({ key, value }) => [key, value])), real_s: real })}\n`
  }

  /** @param real seconds that the simulation took */
  csv(real: number): string {
    const names = [...this.#lines.map(({ key }) => key), 'real_s']
    return `${names.join(',')}\n${[...this.#lines.map(({ value }) => value), real].join(',')}\n`
  }

  get #lines(): readonly Line[] {
    return this.#sections.flatMap(({ lines }) => lines)
  }
}

function firstToken(one: ReplayRequest): number {
  return one.firstTokenAt - one.arrivedAt
}

function perToken(one: ReplayRequest): number {
  return (one.lastTokenAt - one.firstTokenAt) / Math.max(1, one.maxTokens - 1)
}

function endToEnd(one: ReplayRequest): number {
  return one.lastTokenAt - one.arrivedAt
}

function centred(title: string, fill: string): string {
  const left = Math.floor((50 - title.length) / 2)
  return fill.repeat(left) + title + fill.repeat(50 - title.length - left)
}

/** One line per request, times in milliseconds. */
export function requestTable(requests: readonly ReplayRequest[]): string {
  const head =
    'request,arrival_ms,queued_ms,scheduled_ms,first_token_ms,last_token_ms,preemptions,cached_tokens,input_tokens,output_tokens'
  const lines = requests.map((one, at) =>
    [
      ...[at, one.arrivedAt, one.queuedAt, one.startedAt, one.firstTokenAt, one.lastTokenAt],
      ...[one.preemptions, one.cachedTokens, one.promptTokens, one.generatedTokens],
    ].join(','),
  )
  return `${head}\n${lines.join('\n')}\n`
}

/** How far a run is from what was measured. */
export interface Comparison {
  readonly rows: number
  readonly ttft: Errors
  readonly tpot: Errors
  readonly e2e: Errors
}

/** @returns undefined when nothing was measured */
export function compare({ requests }: Pick<Replay, 'requests'>, measured: Trace): Comparison | undefined {
  const pairs: { ttft: [number, number][]; tpot: [number, number][]; e2e: [number, number][] } = {
    ttft: [],
    tpot: [],
    e2e: [],
  }
  let rows = 0
  for (const [at, one] of requests.entries()) {
    const real = measured.requests[at]
    if (!real || !one?.over || real.firstToken === undefined || real.lastToken === undefined) continue
    rows++
    pairs.ttft.push([real.firstToken - real.arrival, firstToken(one)])
    pairs.e2e.push([real.lastToken - real.arrival, endToEnd(one)])
    if (one.maxTokens < 2) continue
    pairs.tpot.push([(real.lastToken - real.firstToken) / (one.maxTokens - 1), perToken(one)])
  }
  if (rows === 0) return undefined
  return { rows, ttft: errorsOf(pairs.ttft), tpot: errorsOf(pairs.tpot), e2e: errorsOf(pairs.e2e) }
}

/** The errors as a table, in percent. */
export function comparisonTable({ rows, ...metrics }: Comparison): string {
  const out = [
    `Errors over ${rows} measured requests (%)`,
    `${''.padEnd(8)}${['mean', 'p50', 'p90', 'p99', 'MAPE'].map(name => name.padStart(9)).join('')}`,
  ]
  for (const name of ['ttft', 'tpot', 'e2e'] as const) {
    const { mean, p50, p90, p99, mape } = metrics[name]
    out.push(
      name.toUpperCase().padEnd(8) + [mean, p50, p90, p99, mape].map(value => value.toFixed(2).padStart(9)).join(''),
    )
  }
  return `${out.join('\n')}\n`
}
