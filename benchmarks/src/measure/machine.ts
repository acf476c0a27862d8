import { loadavg } from 'node:os'
import { machineBusy, type ProcessUsage, processUsage } from './process-usage.ts'

/** What a server, its client and the rest of the machine did while something was measured. */
export interface MachineUse {
  readonly seconds: number
  /** Cores that the client used. Near 1 it was the client that could not do more. */
  readonly clientCores: number
  /** Cores that neither client nor server used but others, stolen time included. */
  readonly otherCores?: number
  /** The machine's load average over one minute at the end. */
  readonly loadAverage: number
  /** CPU time of the server, seconds, and the kernel's part of it. */
  readonly serverCpu?: number
  readonly serverKernel?: number
  /** Resident memory of the server at the end, MB. */
  readonly serverRss?: number
}

/** Watches from now on. @param pid of the server, 0 when unknown */
export function watchMachine(pid: number): () => MachineUse {
  const start = performance.now()
  const client = process.cpuUsage()
  const others = watchOthers()
  const server = pid > 0 ? processUsage(pid) : undefined
  return () => {
    const seconds = (performance.now() - start) / 1000
    const used = process.cpuUsage(client)
    const clientCpu = (used.user + used.system) / 1e6
    const serverNow = pid > 0 ? processUsage(pid) : undefined
    const serverUse = server && serverNow ? difference(server, serverNow) : undefined
    const otherCores = serverUse && others(clientCpu + serverUse.serverCpu)
    return {
      seconds,
      clientCores: clientCpu / seconds,
      loadAverage: loadavg()[0]!,
      ...(otherCores === undefined ? undefined : { otherCores }),
      ...serverUse,
    }
  }
}

function difference(
  from: ProcessUsage,
  to: ProcessUsage,
): { serverCpu: number; serverKernel: number; serverRss: number } {
  return { serverCpu: to.cpu - from.cpu, serverKernel: to.kernel - from.kernel, serverRss: to.rss }
}

/**
 * Watches what is used on this machine from now on.
 * @returns a function that tells how many cores were used beside `known` seconds of CPU time; undefined without /proc
 */
export function watchOthers(): (known: number) => number | undefined {
  const start = performance.now()
  const busy = machineBusy()
  return known => {
    const now = machineBusy()
    if (busy === undefined || now === undefined) return undefined
    return Math.max(0, now - busy - known) / ((performance.now() - start) / 1000)
  }
}

/** Longest wait for others to end, in looks of `look` milliseconds. */
const looks = 4
const look = 250
/** Cores that may be used while it counts as quiet. */
const quietCores = 0.25

/** Waits a little for other work on this machine to end. It may not; what is measured then is marked. */
export async function untilQuiet(): Promise<void> {
  for (let at = 0; at < looks; at++) {
    const before = machineBusy()
    await new Promise(resolve => setTimeout(resolve, look))
    const after = machineBusy()
    if (before === undefined || after === undefined || (after - before) * 1000 < quietCores * look) return
  }
}
