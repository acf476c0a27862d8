import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatasetError, isDiskFull, messageOf } from '../errors.ts'
import { publishedSha256, sha256OfFile } from './checksum.ts'
import { type Fetch, type Got, get, rootMessage, statusLine } from './client.ts'
import { IdleLimit, type IdleTimer } from './idle-limit.ts'
import { PartFile } from './part-file.ts'
import type { Progress } from './progress.ts'

/** How a file is downloaded. */
export interface DownloadOptions {
  url: string
  /** Where the file goes when it is complete. An older file there stays until then. Its directory must exist. */
  path: string
  /** Expected SHA-256 in hex. Default: what the hub announces or `<url>.sha256` says, if there is such a thing. */
  sha256?: string | undefined
  /** Value of `Authorization`, for the URL's own origin only. */
  authorization?: string | undefined
  /** Stops the download; what has come so far is kept and the next download goes on from there. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  /** Default: the global `fetch`, which takes proxies from the environment if Node was told to (`NODE_USE_ENV_PROXY`). */
  fetch?: Fetch | undefined
  /** How often a connection that broke is taken up again, provided that bytes came through it. Default 5. */
  retries?: number | undefined
  /** Gives up when no byte came for `idleTimeout` milliseconds. Default: `fetch`'s own limit of 5 minutes. */
  clock?: IdleTimer | undefined
  idleTimeout?: number | undefined
  /** How many redirects are followed. Default 10. */
  redirects?: number | undefined
  /** Text of the error for a status other than 200. Default: `dataset download bad status: 404 Not Found`. */
  badStatus?: ((statusLine: string) => string) | undefined
  /** Looks at the complete file before it takes its place; what it throws refuses the file. */
  validate?: ((path: string, checksumKnown: boolean) => Promise<void>) | undefined
}

/**
 * Downloads a file to `<path>.part` and puts it in its place only when its size, its checksum (if one is known) and `validate`
 * agree. After a broken connection or a cancellation the next call continues, if the server still has the same file.
 *
 * @throws DatasetError `cancelled`, `http-status`, `network`, `disk-full`, `checksum`, `io`, or what `validate` throws
 */
export async function download(options: DownloadOptions): Promise<void> {
  const part = new PartFile(options.path)
  let keep = true
  try {
    const announced = await transfer(part, options)
    keep = false
    const sha256 = options.sha256?.toLowerCase() ?? announced ?? (await publishedSha256(options.url, request(options)))
    if (sha256 !== undefined) await compare(part, sha256, options)
    await options.validate?.(part.path, sha256 !== undefined)
    await part.commit()
  } catch (error) {
    if (options.signal?.aborted) {
      await part.close()
      throw new DatasetError('cancelled', 'download cancelled by user', error)
    }
    if (isDiskFull(error) || (error instanceof DatasetError && error.code === 'disk-full')) {
      await part.discard()
      if (error instanceof DatasetError) throw error
      throw new DatasetError('disk-full', `failed to download file: no space left for ${part.path}`, error)
    }
    await (keep ? part.close() : part.discard())
    if (error instanceof DatasetError) throw error
    throw new DatasetError('io', messageOf(error), error)
  }
}

/** Gets all bytes into the part, in several attempts if need be. Returns the digest that the server announced. */
async function transfer(part: PartFile, options: DownloadOptions): Promise<string | undefined> {
  let tries = options.retries ?? 5
  for (;;) {
    const before = (await part.leftover(options.url))?.size ?? 0
    try {
      return await attempt(part, options)
    } catch (error) {
      const after = (await part.leftover(options.url))?.size ?? 0
      const broken = error instanceof DatasetError && error.code === 'network'
      if (!broken || after <= before || tries-- <= 0 || options.signal?.aborted) throw error
    }
  }
}

async function attempt(part: PartFile, options: DownloadOptions): Promise<string | undefined> {
  const leftover = await part.leftover(options.url)
  using idle = new IdleLimit(options)
  const headers: Record<string, string> = leftover
    ? { range: `bytes=${leftover.size}-`, 'if-range': leftover.validator }
    : {}
  const got = await get(options.url, { ...request(options), headers, signal: idle.signal })
  const { response } = got
  if (response.status === 416 && leftover) {
    await response.body?.cancel()
    if (response.headers.get('content-range') === `bytes */${leftover.size}`) return got.sha256
    await part.discard()
    return attempt(part, options)
  }
  if (response.status !== 200 && !(response.status === 206 && leftover)) {
    await response.body?.cancel()
    const text = options.badStatus ?? (status => `dataset download bad status: ${status}`)
    throw new DatasetError('http-status', text(statusLine(response)))
  }
  const offset = response.status === 206 ? leftover!.size : 0
  if (offset > 0 && rangeStart(response) !== offset) {
    await response.body?.cancel()
    await part.discard()
    throw new DatasetError('network', 'failed to download file: the server sent another range than it was asked for')
  }
  const total = totalSize(response, offset)
  if (total !== undefined) await checkSpace(options.path, total - offset)
  const validator = validatorOf(response)
  await part.begin(offset > 0, validator === undefined ? undefined : { url: options.url, validator })
  const received = await copy(part, got, { offset, total, idle, onProgress: options.onProgress })
  try {
    await part.sync()
  } catch (error) {
    throw new DatasetError(isDiskFull(error) ? 'disk-full' : 'io', `failed to sync file: ${messageOf(error)}`, error)
  }
  await part.close()
  if (received === 0) {
    await part.discard()
    throw new DatasetError('io', 'downloaded file is empty')
  }
  if (total !== undefined && received !== total) {
    await part.discard()
    throw new DatasetError('truncated', `failed to download file: got ${received} bytes of ${total}`)
  }
  return got.sha256
}

interface CopyOptions {
  offset: number
  total: number | undefined
  idle: IdleLimit
  onProgress: ((progress: Progress) => void) | undefined
}

async function copy(
  part: PartFile,
  { response }: Got,
  { offset, total, idle, onProgress }: CopyOptions,
): Promise<number> {
  let received = offset
  const report = (): void => onProgress?.(total === undefined ? { received } : { received, total })
  report()
  const body = response.body?.[Symbol.asyncIterator]()
  for (;;) {
    let next: IteratorResult<Uint8Array> | undefined
    try {
      next = await body?.next()
    } catch (error) {
      const reason = idle.expired ? `no data for ${idle.seconds} s` : rootMessage(error)
      throw new DatasetError('network', `failed to download file: ${reason}`, error)
    }
    if (!next || next.done) return received
    idle.touch()
    try {
      await part.write(next.value)
    } catch (error) {
      await body?.return?.()
      throw new DatasetError(
        isDiskFull(error) ? 'disk-full' : 'io',
        `failed to download file: ${part.path}: ${messageOf(error)}`,
        error,
      )
    }
    received += next.value.length
    report()
  }
}

async function compare(part: PartFile, expected: string, options: DownloadOptions): Promise<void> {
  const actual = await sha256OfFile(part.path, options.signal)
  if (actual !== expected)
    throw new DatasetError(
      'checksum',
      `failed to download file: its SHA-256 is ${actual}, ${expected} was expected; ${options.path} is left as it was`,
    )
}

function request(options: DownloadOptions): {
  fetch: Fetch
  authorization?: string | undefined
  signal?: AbortSignal | undefined
} & {
  redirects?: number
} {
  const { authorization, signal, redirects } = options
  return { fetch: options.fetch ?? fetch, authorization, signal, ...(redirects === undefined ? {} : { redirects }) }
}

/** Whole size in bytes; unknown when the server does not tell, or compresses against our wish. */
function totalSize(response: Response, offset: number): number | undefined {
  const encoding = response.headers.get('content-encoding')
  const length = response.headers.get('content-length')
  if (length === null || (encoding !== null && encoding !== 'identity')) return undefined
  return offset + Number(length)
}

function rangeStart(response: Response): number | undefined {
  const start = response.headers.get('content-range')?.match(/^bytes (\d+)-/)?.[1]
  return start === undefined ? undefined : Number(start)
}

/** What RFC 9110, 13.1.5, allows in `If-Range`. */
function validatorOf(response: Response): string | undefined {
  const tag = response.headers.get('etag')
  if (tag !== null && !tag.startsWith('W/')) return tag
  return response.headers.get('last-modified') ?? undefined
}

async function checkSpace(path: string, needed: number): Promise<void> {
  const disk = await statfs(dirname(path)).catch(() => undefined)
  // Some network file systems report a size of 0.
  if (!disk || disk.blocks === 0 || disk.bavail * disk.bsize >= needed) return
  const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
  throw new DatasetError(
    'disk-full',
    `failed to download file: ${path} needs ${megabytes(needed)} MB more, the disk has ${megabytes(disk.bavail * disk.bsize)} MB free`,
  )
}
