import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { digestOf, publishedSha256 } from './checksum.ts'
import { codeOf, DownloadError, fileError } from './errors.ts'
import { type Environment, type HttpRequest, type HttpResponse, headerOf, httpRequest } from './http.ts'
import { PartFile } from './part-file.ts'
import type { StartTimer } from './timer.ts'

/** Bytes of a transfer. `total` is missing when the server does not tell it. */
export interface Progress {
  /** Bytes that are on disk, those of an earlier attempt included. */
  received: number
  total?: number
}

/** How a file is downloaded. */
export interface DownloadOptions {
  url: string
  /** Where the file goes when it is complete. An older file there stays until then. Its directory must exist. */
  path: string
  /**
   * Expected digest in hex: SHA-256, or with 40 digits SHA-1 as git names content. Default: what a HuggingFace hub announces
   * or `<url>.sha256` says, if there is such a thing.
   */
  checksum?: string | undefined
  /** Sent with every request. */
  headers?: Record<string, string> | undefined
  /** Value of `Authorization`, for the URL's own origin only. */
  authorization?: string | undefined
  /** Has the proxies: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`. Default: none are used. */
  environment?: Environment | undefined
  /** Stops the download; what has come so far is kept and the next download goes on from there. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  /** How often a connection that broke is taken up again, provided that bytes came through it. Default 5. */
  retries?: number | undefined
  /** Gives up when no byte came for `silenceMs` milliseconds. Default: waits for ever. */
  startTimer?: StartTimer | undefined
  silenceMs?: number | undefined
  /** How many redirects are followed. Default 10. */
  redirects?: number | undefined
  /** The error for a status that brings no file. Default: `http-status` with the status. */
  badStatus?: ((response: HttpResponse) => Error) | undefined
  /** Looks at the complete file before it takes its place; what it throws refuses the file. */
  validate?: ((path: string, checksumKnown: boolean) => Promise<void>) | undefined
}

/**
 * Downloads a file to `<path>.part` and puts it in its place only when its size, its checksum (if one is known) and `validate`
 * agree. After a broken connection or a cancellation the next call continues, if the server still has the same file. Several
 * processes may download to one path at once.
 *
 * @throws DownloadError, or what `badStatus` gives and `validate` throws
 */
export async function download(options: DownloadOptions): Promise<void> {
  const part = new PartFile(options.path)
  let keep = true
  try {
    const announced = await transfer(part, options)
    if (!(await part.isCommitted())) {
      keep = false
      const checksum =
        options.checksum?.toLowerCase() ?? announced ?? (await publishedSha256(options.url, request(options)))
      if (checksum !== undefined) await compare(part, checksum, options)
      await options.validate?.(part.path, checksum !== undefined)
    }
    await part.commit()
  } catch (error) {
    if (await part.isCommitted()) return part.close()
    const full = error instanceof DownloadError && error.code === 'disk-full'
    const cancelled = options.signal?.aborted === true
    const discarded = !cancelled && (full || !keep)
    await (discarded && !(await part.isReplaced()) ? part.discard() : part.close())
    if (cancelled) throw new DownloadError('cancelled', 'download cancelled by user', error)
    const ofSystem = codeOf(error) !== undefined && (error as NodeJS.ErrnoException).syscall !== undefined
    throw ofSystem ? fileError('failed to download file', error) : error
  }
}

/** Gets all bytes into the part, in several attempts if need be. Returns the digest that the server announced. */
async function transfer(part: PartFile, options: DownloadOptions): Promise<string | undefined> {
  let tries = options.retries ?? 5
  let takeovers = 5
  for (;;) {
    const before = await sizeOf(part, options)
    try {
      return await attempt(part, options)
    } catch (error) {
      const after = await sizeOf(part, options)
      // Where another process has begun anew there may be something to share.
      const hope = (await part.isReplaced()) ? after > 0 && takeovers-- > 0 : after > before && tries-- > 0
      const broken = error instanceof DownloadError && error.code === 'network'
      if (!broken || !hope || options.signal?.aborted) throw error
    }
  }
}

async function sizeOf(part: PartFile, options: DownloadOptions): Promise<number> {
  return (await part.leftover(options))?.size ?? 0
}

async function attempt(part: PartFile, options: DownloadOptions): Promise<string | undefined> {
  const { url, checksum } = options
  const leftover = await part.leftover(options)
  let announced: string | undefined
  const headers: Record<string, string> = {}
  if (leftover) headers['range'] = `bytes=${leftover.size}-`
  if (leftover?.validator !== undefined) headers['if-range'] = leftover.validator
  const onHeaders = (response: Pick<HttpResponse, 'headers'>): void => {
    announced ??= digestIn(headerOf(response, 'x-linked-etag'))
  }
  const response = await httpRequest(url, { ...request(options, headers), onHeaders })
  try {
    if (response.status === 416 && leftover) {
      if (headerOf(response, 'content-range') !== `bytes */${leftover.size}`) {
        await part.discard()
        return await attempt(part, options)
      }
      await part.begin({ url, checksum, validator: leftover.validator })
      return announced
    }
    if (response.status !== 200 && !(response.status === 206 && leftover)) {
      const { status, statusText } = response
      throw options.badStatus?.(response) ?? new DownloadError('http-status', `bad status: ${status} ${statusText}`)
    }
    const offset = response.status === 206 ? leftover!.size : 0
    if (offset > 0 && !headerOf(response, 'content-range')?.startsWith(`bytes ${offset}-`)) {
      await part.discard()
      const text = 'failed to download file: the server sent another range than it was asked for'
      throw new DownloadError('network', text)
    }
    const total = totalSize(response, offset)
    if (total !== undefined) await checkSpace(options.path, total - offset)
    await part.begin({ url, checksum, validator: offset > 0 ? leftover!.validator : validatorOf(response) })
    await copy(part, response, { offset, total, onProgress: options.onProgress })
    return announced
  } finally {
    response.destroy()
  }
}

interface CopyOptions {
  offset: number
  total: number | undefined
  onProgress: ((progress: Progress) => void) | undefined
}

async function copy(part: PartFile, { body }: HttpResponse, { offset, total, onProgress }: CopyOptions): Promise<void> {
  let received = offset
  const report = (): void => onProgress?.(total === undefined ? { received } : { received, total })
  report()
  try {
    for await (const chunk of body) {
      await part.write(chunk, received).catch(error => {
        throw fileError(`failed to download file: ${part.path}`, error)
      })
      received += chunk.length
      report()
    }
  } catch (error) {
    if (!(error instanceof DownloadError) || error.code !== 'network') throw error
    throw new DownloadError('network', `failed to download file: ${error.message}`, error)
  }
  if (total !== undefined && received !== total) {
    await part.discard()
    throw new DownloadError('truncated', `failed to download file: got ${received} bytes of ${total}`)
  }
  await part.finish(received).catch(error => {
    throw fileError('failed to sync file', error)
  })
  if (await part.isReplaced()) throw part.replaced()
}

async function compare(part: PartFile, expected: string, options: DownloadOptions): Promise<void> {
  const actual = await digestOf(part.handle, expected.length, options.signal)
  if (actual === expected) return
  const name = expected.length === 40 ? 'SHA-1' : 'SHA-256'
  throw new DownloadError(
    'checksum',
    `failed to download file: its ${name} is ${actual}, ${expected} was expected; ${options.path} is left as it was`,
  )
}

function request(options: DownloadOptions, headers: Record<string, string> = {}): HttpRequest {
  const { authorization, environment, signal, startTimer, silenceMs, redirects } = options
  const credentials: Record<string, string> = authorization === undefined ? {} : { authorization }
  return {
    // Compressed answers cannot be resumed and have no length.
    headers: { 'accept-encoding': 'identity', ...options.headers, ...credentials, ...headers },
    environment,
    signal,
    startTimer,
    silenceMs,
    redirects,
  }
}

/** Whole size in bytes; unknown when the server does not tell, or compresses against our wish. */
function totalSize(response: HttpResponse, offset: number): number | undefined {
  const encoding = headerOf(response, 'content-encoding')
  const length = headerOf(response, 'content-length')
  if (length === undefined || (encoding !== undefined && encoding !== 'identity')) return undefined
  return offset + Number(length)
}

/** What RFC 9110, 13.1.5, allows in `If-Range`. */
function validatorOf(response: HttpResponse): string | undefined {
  const tag = headerOf(response, 'etag')
  if (tag !== undefined && !tag.startsWith('W/')) return tag
  return headerOf(response, 'last-modified')
}

/** The digest in an entity tag, if it is one: Git LFS stores name files by their SHA-256. */
function digestIn(tag: string | undefined): string | undefined {
  return tag
    ?.replace(/^W\//, '')
    .match(/^"?([0-9a-f]{64})"?$/i)?.[1]
    ?.toLowerCase()
}

async function checkSpace(path: string, needed: number): Promise<void> {
  const disk = await statfs(dirname(path)).catch(() => undefined)
  // Some network file systems report a size of 0.
  if (!disk || disk.blocks === 0 || disk.bavail * disk.bsize >= needed) return
  const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
  throw new DownloadError(
    'disk-full',
    `failed to download file: ${path} needs ${megabytes(needed)} MB more, the disk has ${megabytes(disk.bavail * disk.bsize)} MB free`,
  )
}
