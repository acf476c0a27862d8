import { existsSync, type FSWatcher, watch } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock, Timer } from '@vllm-sim/latency'
import { CertificateError } from './pair.ts'

/** A certificate and its key are written one after the other; this long after the last change both are read. */
const settleTime = 250

/**
 * Calls `changed` after something was written or created in the directories of these files. Directories and not files
 * are watched: a rename over a file, and the switched `..data` link of a mounted Kubernetes secret, leave the old file
 * untouched.
 * @returns ends the watch
 * @throws CertificateError when a directory cannot be watched
 */
export function watchDirectories(paths: readonly string[], clock: Clock, changed: () => void): () => void {
  const watchers: FSWatcher[] = []
  let timer: Timer | undefined
  const stop = (): void => {
    timer?.cancel()
    for (const watcher of watchers) watcher.close()
  }
  for (const directory of new Set(paths.map(path => dirname(path)))) {
    try {
      const watcher = watch(directory, (_event, file) => {
        // Nothing is to be done for a file that was removed.
        if (file !== null && !existsSync(join(directory, file))) return
        timer?.cancel()
        timer = clock.timer(settleTime, changed)
      })
      // The directory is gone: the certificate in use stays.
      watcher.on('error', () => watcher.close())
      watchers.push(watcher)
    } catch (error) {
      stop()
      throw new CertificateError(`failed to watch "${directory}": ${(error as Error).message}`)
    }
  }
  return stop
}
