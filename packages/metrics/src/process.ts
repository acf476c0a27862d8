import type { Cells } from './cells.ts'

/** What the process uses. A member the platform does not tell is left out. */
export interface ProcessStats {
  /** User and system CPU time since the start, seconds. */
  readonly cpuSeconds?: number
  readonly residentBytes?: number
  readonly virtualBytes?: number
  /** Unix time of the start, seconds. */
  readonly startTimeSeconds?: number
  readonly openFds?: number
  readonly maxFds?: number
}

const members = ['cpuSeconds', 'residentBytes', 'virtualBytes', 'startTimeSeconds', 'openFds', 'maxFds'] as const

/** Writes the present values into the `process_*` cells. */
export function updateProcessCells(cells: Cells, stats: ProcessStats): void {
  for (const member of members) {
    const value = stats[member]
    if (value === undefined) cells[member].clear()
    else cells[member].at().value = value
  }
}
