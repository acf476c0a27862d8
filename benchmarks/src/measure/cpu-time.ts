/**
 * CPU time of this process so far, milliseconds. For work that never waits it is the time it takes on a quiet machine, also
 * while others use the cores. (`process.threadCpuUsage` would leave out V8's helpers, but moves in steps of 4 ms.)
 */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
