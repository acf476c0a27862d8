import { readdirSync, readFileSync } from 'node:fs'
import type { Clock } from '@vllm-sim/latency'

/** What `process_*` metrics show. Times in seconds, sizes in bytes; a member the platform does not tell is missing. */
export interface ProcessStats {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly startTimeSeconds: number
  readonly virtualBytes?: number
  readonly openFds?: number
  readonly maxFds?: number
}

/** When the process started, in Unix seconds. To be asked for once: the two clocks differ a little more every time. */
export function processStart(clock: Clock): number {
  return clock.wall() / 1000 - process.uptime()
}

/**
 * Reads the process's own figures, from `/proc` where there is one.
 * @param startTimeSeconds of `processStart`
 */
export function processStats(startTimeSeconds: number): ProcessStats {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  return {
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startTimeSeconds,
    ...fromProc(),
  }
}

function fromProc(): { virtualBytes?: number; openFds?: number; maxFds?: number } {
  try {
    const pages = Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[0])
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
    return {
      virtualBytes: pages * 4096,
      openFds: readdirSync('/proc/self/fd').length,
      ...(limit ? { maxFds: Number(limit[1]) } : undefined),
    }
  } catch {
    return {}
  }
}
