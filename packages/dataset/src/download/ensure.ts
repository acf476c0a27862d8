import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DownloadOptions } from '@vllm-sim/download'
import { DatasetError, messageOf } from '../errors.ts'
import { openDataset } from '../open.ts'
import { fetchFile } from './fetch-file.ts'
import type { Log } from './progress.ts'

/** A timer, for giving up on a server that has gone silent. */
export interface IdleTimer {
  /** Calls `run` once, `delay` milliseconds from now. */
  timer(delay: number, run: () => void): { cancel(): void }
}

/** How a dataset is fetched. */
export interface EnsureOptions extends Omit<DownloadOptions, 'validate' | 'badStatus' | 'startTimer' | 'silenceMs'> {
  /** Gives up when no byte came for `idleTimeout` milliseconds. Default: waits for ever. */
  clock?: IdleTimer | undefined
  idleTimeout?: number | undefined
  /** The table that the file must have. Default `llmd`. */
  table?: string | undefined
  /** Downloads also when there is a file already, which stays in use until the new one has proved good. Default false. */
  force?: boolean | undefined
  log?: Log | undefined
}

/**
 * Makes sure that a dataset is at its path: downloads it unless something is there. What was downloaded must open as a
 * dataset before it takes its place, so an error page or half a file never does. A file of 0 bytes counts as absent.
 *
 * @returns whether the file was there or was downloaded
 * @throws DatasetError as `download` and `openDataset`
 */
export async function ensureDataset(options: EnsureOptions): Promise<'present' | 'downloaded'> {
  const { path, url, table, force, log, clock, idleTimeout } = options
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  } catch (error) {
    throw new DatasetError('io', `failed to create parent directory: ${messageOf(error)}`, error)
  }
  if (!force && (await isThere(path))) {
    log?.(`Dataset file already exists, should not download: ${path}`)
    return 'present'
  }
  log?.(`Downloading the dataset from ${url} to ${path}`)
  await fetchFile({
    ...options,
    silenceMs: idleTimeout,
    startTimer: clock && ((delay, run) => cancelOf(clock.timer(delay, run))),
    badStatus: ({ status, statusText }) =>
      new DatasetError('http-status', `dataset download bad status: ${status} ${statusText}`),
    validate: async (part, checksumKnown) => {
      if ((await stat(part)).size === 0) throw new DatasetError('io', 'downloaded file is empty')
      try {
        const dataset = await openDataset({ path: part, thorough: !checksumKnown, ...(table ? { table } : {}) })
        dataset.close()
      } catch (error) {
        const code = error instanceof DatasetError ? error.code : 'io'
        throw new DatasetError(
          code,
          `the file from ${url} is not a usable dataset and was removed: ${messageOf(error)}`,
          error,
        )
      }
    },
  })
  return 'downloaded'
}

function cancelOf(timer: { cancel(): void }): () => void {
  return () => timer.cancel()
}

async function isThere(path: string): Promise<boolean> {
  try {
    const info = await stat(path)
    return !info.isFile() || info.size > 0
  } catch {
    return false
  }
}
