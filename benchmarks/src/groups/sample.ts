import type { MetricName } from '../report/metrics.ts'

/** One measurement of one system. */
export interface Sample {
  readonly group: string
  /** What was measured, for a reader: the heading of its table. */
  readonly title: string
  readonly system: string
  /** 1-based. */
  readonly round: number
  readonly values: Partial<Record<MetricName, number>>
  /** Something else used the machine meanwhile; the figure is left out of medians when quiet ones are there. */
  readonly noisy: boolean
  readonly loadAverage: number
  /** It has no figures, and why. */
  readonly failed?: string
}

/** What a group needs to run. */
export interface Bench {
  readonly systems: readonly import('../servers/systems.ts').System[]
  readonly rounds: number
  /** Cores that others may use in a quiet measurement. */
  readonly noiseLimit: number
  /** Seconds of a measurement that lasts as long as one likes. */
  readonly seconds: number
  emit(sample: Sample): void
}

/** A group of measurements that can be asked for by name. */
export interface Group {
  readonly name: string
  readonly about: string
  /** Measures one round. */
  run(bench: Bench, round: number): Promise<void>
}
