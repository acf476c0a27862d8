import { readdirSync, readFileSync } from 'node:fs'

/** What a process has used since it started. */
export interface ProcessUsage {
  /** CPU time of all its threads, seconds. */
  readonly cpu: number
  /** The part of `cpu` that was spent in the kernel, seconds, in steps of 10 ms. */
  readonly kernel: number
  /** Resident memory, MB of 10^6 bytes. */
  readonly rss: number
}

/** Ticks per second of /proc/PID/stat: USER_HZ, 100 on every Linux that Node runs on. */
const ticks = 100

/**
 * Reads /proc (Linux only). Threads that ended between two readings are missing from the finer of its two counters, so
 * the coarse one stands in where that shows.
 * @returns undefined when there is no such process or no /proc
 */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may hold anything; the fields after it are counted from the third (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const user = Number(fields[11]) / ticks
    const kernel = Number(fields[12]) / ticks
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const rss = (Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024) / 1e6
    const fine = threadSeconds(pid)
    return { cpu: fine >= user + kernel - 0.02 ? fine : user + kernel, kernel, rss }
  } catch {
    return undefined
  }
}

/** CPU time of the threads that live now, in seconds with nanoseconds; 0 where the kernel does not tell. */
function threadSeconds(pid: number): number {
  let sum = 0
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
    }
  } catch {
    return 0
  }
  return sum / 1e9
}

/** Seconds that the cores of this machine were not idle since it started; undefined without /proc. */
export function machineBusy(): number | undefined {
  try {
    const fields = readFileSync('/proc/stat', 'latin1').split('\n')[0]!.trim().split(/\s+/).slice(1, 9).map(Number)
    // user nice system idle iowait irq softirq steal: what a hypervisor took counts as busy.
    return fields.reduce((sum, value, at) => (at === 3 || at === 4 ? sum : sum + value), 0) / ticks
  } catch {
    return undefined
  }
}

/** Connections that this machine's listeners had no room for, since it started; 0 without /proc. */
export function listenOverflows(): number {
  try {
    const [names, values] = readFileSync('/proc/net/netstat', 'latin1').split('\n')
    const at = names!.split(' ').indexOf('ListenOverflows')
    return at < 0 ? 0 : Number(values!.split(' ')[at])
  } catch {
    return 0
  }
}
