import type { Progress } from '@vllm-sim/download'

/** A line for a log. */
export type Log = (message: string, fields?: Record<string, string | number>) => void

/** A clock: milliseconds from any origin. */
export interface Now {
  now(): number
}

const megabyte = 2 ** 20

/**
 * Turns the progress of a download into lines of a log: every 5 s or every 10 %, and one at the end. Nothing is written
 * when the size is unknown.
 */
export function logProgress(clock: Now, log: Log): (progress: Progress) => void {
  const start = clock.now()
  let first: number | undefined
  let lastTime = start
  let lastStep = 0
  let ended = false
  return ({ received, total }) => {
    first ??= received
    if (!total || ended) return
    const now = clock.now()
    const step = Math.floor((received / total) * 10)
    const seconds = (now - start) / 1000
    const speed = seconds > 0 ? (received - first) / megabyte / seconds : 0
    if (received >= total) {
      ended = true
      log('Download completed', { 'average speed (MB/s)': round(speed), 'total time (s)': round(seconds) })
    } else if (step > lastStep || now - lastTime >= 5000) {
      lastStep = step
      lastTime = now
      log('Dataset download progress', {
        '%': round((received / total) * 100),
        'speed (MB/s)': round(speed),
        'remaining time (s)': speed > 0 ? round((total - received) / megabyte / speed) : 0,
      })
    }
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
