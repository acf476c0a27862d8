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

/** Reads the process's own figures, from `/proc` where there is one. */
export function processStats(clock: Clock): ProcessStats {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  return {
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startTimeSeconds: clock.wall() / 1000 - process.uptime(),
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
