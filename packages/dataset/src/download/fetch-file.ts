import type { DownloadOptions } from '@vllm-sim/download'
import { DatasetError } from '../errors.ts'

/** Downloads a file; what that needs is loaded only now. @throws DatasetError, or what the options' functions throw */
export async function fetchFile(options: DownloadOptions): Promise<void> {
  const { DownloadError, download } = await import('@vllm-sim/download')
  try {
    await download(options)
  } catch (error) {
    throw error instanceof DownloadError ? new DatasetError(error.code, error.message, error) : error
  }
}
