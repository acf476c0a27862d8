import { createHash } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DownloadOptions } from '@vllm-sim/download'
import { fetchFile } from '../download/fetch-file.ts'
import { DatasetError } from '../errors.ts'

/** A file of a dataset repository on the HuggingFace hub. */
export interface HubSource {
  /** `owner/name`. */
  repo: string
  /** Path within the repository. */
  file: string
  /** Branch, tag or commit. */
  revision: string
  /** Default `https://huggingface.co`. */
  endpoint?: string | undefined
  /** Access token, for private and gated repositories. */
  token?: string | undefined
}

/**
 * Downloads a file from the hub, unless an earlier run has left it.
 *
 * @param directory where the file goes; made if missing
 * @returns its path
 * @throws DatasetError
 */
export async function hubFile(
  source: HubSource,
  directory: string,
  options: Pick<DownloadOptions, 'environment' | 'startTimer' | 'silenceMs' | 'signal' | 'onProgress'> = {},
): Promise<string> {
  const url = hubUrl(source)
  // Part of the name, so that a file of another repository or revision is not taken for this one.
  const key = createHash('sha256').update(url).digest('hex').slice(0, 12)
  const path = join(directory, `.vllm-sim-dataset-${key}.source`)
  if (await exists(path)) return path
  await mkdir(directory, { recursive: true })
  try {
    await fetchFile({
      ...options,
      url,
      path,
      redirects: 4,
      authorization: source.token ? `Bearer ${source.token}` : undefined,
      badStatus: ({ status, statusText }) =>
        new DatasetError('http-status', `unexpected status ${status} ${statusText}${hint(status, source)}`),
    })
  } catch (error) {
    if (error instanceof DatasetError && error.code === 'cancelled')
      throw new DatasetError('cancelled', `download cancelled: ${error.message}`, error)
    throw error
  }
  return path
}

/** Where the hub has a file. */
function hubUrl({ repo, file, revision, endpoint = 'https://huggingface.co' }: HubSource): string {
  const escaped = (path: string): string => path.split('/').map(encodeURIComponent).join('/')
  const root = endpoint.replace(/\/+$/, '')
  return `${root}/datasets/${escaped(repo)}/resolve/${encodeURIComponent(revision)}/${escaped(file)}`
}

function hint(status: number, { repo, file, revision, token }: HubSource): string {
  if (status === 401 || status === 403)
    return token
      ? `: HF_TOKEN gives no access to ${repo}`
      : `: ${repo} is private, gated or missing; set HF_TOKEN to a token that may read it`
  return status === 404 ? `: there is no ${file} in ${repo} at revision ${revision}` : ''
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size > 0
  } catch {
    return false
  }
}
