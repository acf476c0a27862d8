import type { Clock } from '@vllm-sim/latency'

/** Computing that a warm-up does in its time on a machine without other work, all threads, share of that time. */
const usualWork = 0.7
/** How much longer it may take on a machine with other work. */
const longest = 3

/**
 * How far a warm-up is: by the clock and, where other processes take the processor, by what was computed. A server that
 * gets a tenth of it would otherwise open its port with everything still to be compiled.
 * @param clock the machine's
 * @param limit how long it takes without other work, milliseconds
 * @param computed processor time of this process so far, milliseconds
 * @returns gives 0 at the beginning and 1 or more at the end
 */
export function progress(clock: Clock, limit: number, computed: () => number): () => number {
  const begin = clock.now()
  const before = computed()
  return () => {
    const time = (clock.now() - begin) / limit
    if (time >= longest) return 1
    return Math.min(time, Math.max(time / longest, (computed() - before) / (limit * usualWork)))
  }
}

/** The longest that `progress` takes to get to 1, milliseconds. */
export function longestTime(limit: number): number {
  return limit * longest
}

/** Processor time of this process, all threads, milliseconds. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
