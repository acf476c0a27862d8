import { createHash } from 'node:crypto'
import { constants, type FileHandle, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TokenizerError } from '../errors.ts'
import type { StartTimer } from '../timer.ts'
import { hubError, networkError } from './errors.ts'
import { type Environment, type HttpResponse, httpRequest } from './http.ts'
import { cacheFolder } from './locate.ts'
import { hubEndpoint, hubToken, repositoryPath } from './settings.ts'

/** How far a download is. */
export interface DownloadProgress {
  file: string
  receivedBytes: number
  /** Undefined when the server does not say. */
  totalBytes: number | undefined
}

/** Settings of `downloadTokenizer`. */
export interface DownloadOptions {
  model: string
  /** Default `main`. */
  revision?: string | undefined
  /** Files go to `<cacheDirectory>/models--owner--name/snapshots/<commit>`, the layout of huggingface_hub. */
  cacheDirectory: string
  environment: Environment
  startTimer: StartTimer
  /** Longest silence of the server, in milliseconds. Default 10,000. */
  silenceMs?: number
  onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/** What a tokenizer may consist of; only the first is needed. It comes last, because its presence marks a complete set. */
const REQUIRED = 'tokenizer.json'
const OPTIONAL = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
  'config.json',
  'generation_config.json',
]

/** What the hub says about a file before sending it. */
interface FileFacts {
  commit: string | undefined
  /** SHA-256 of large files, git blob SHA-1 of others. */
  checksum: string | undefined
  size: number | undefined
}

function header(response: { headers: NodeJS.Dict<string | string[]> }, name: string): string | undefined {
  const value = response.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function readFacts(facts: FileFacts, response: { headers: NodeJS.Dict<string | string[]> }): void {
  facts.commit ??= header(response, 'x-repo-commit')
  const etag = header(response, 'x-linked-etag') ?? header(response, 'etag')
  const checksum = etag?.replace(/^W\//, '').replaceAll('"', '')
  if (checksum && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum)) facts.checksum ??= checksum
  const size = header(response, 'x-linked-size')
  if (size !== undefined) facts.size ??= Number(size)
}

/**
 * Fetches a model's tokenizer files from the hub into a cache directory.
 * @returns the directory with the files
 * @throws TokenizerError that says what is missing (`unauthorized`, `not_found`, `network`) and what can be done
 */
export async function downloadTokenizer(options: DownloadOptions): Promise<string> {
  const token = await hubToken(options.environment)
  const folder = join(options.cacheDirectory, cacheFolder(options.model))
  const revision = options.revision ?? 'main'
  let directory = join(folder, 'snapshots', revision)
  for (const file of [...OPTIONAL, REQUIRED]) {
    try {
      const facts = await downloadFile(options, token, file, folder)
      if (facts?.commit) directory = join(folder, 'snapshots', facts.commit)
      if (file === REQUIRED && facts?.commit) await writeRef(folder, revision, facts.commit)
    } catch (error) {
      if (!(error instanceof TokenizerError) || error.code !== 'network' || error.message.includes('Ways out'))
        throw error
      throw networkError(options.model, hubEndpoint(options.environment), error)
    }
  }
  return directory
}

async function writeRef(folder: string, revision: string, commit: string): Promise<void> {
  const path = join(folder, 'refs', revision)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, commit)
}

/** @returns undefined when an optional file does not exist */
async function downloadFile(
  options: DownloadOptions,
  token: string | undefined,
  file: string,
  folder: string,
): Promise<FileFacts | undefined> {
  const revision = options.revision ?? 'main'
  const facts: FileFacts = { commit: undefined, checksum: undefined, size: undefined }
  const path = `${repositoryPath(options.model)}/resolve/${encodeURIComponent(revision)}/${file}`
  const request = async (method: 'GET' | 'HEAD', range: number): Promise<HttpResponse> =>
    httpRequest(`${hubEndpoint(options.environment)}/${path}`, {
      method,
      headers: {
        'user-agent': 'vllm-sim',
        // Compressed answers cannot be resumed and have no length.
        'accept-encoding': 'identity',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(range > 0 ? { range: `bytes=${range}-` } : {}),
      },
      environment: options.environment,
      startTimer: options.startTimer,
      silenceMs: options.silenceMs ?? 10_000,
      // A content network's address may be signed for GET only, and the hub's own answer says all that HEAD is for.
      sameHostOnly: method === 'HEAD',
      onHeaders: response => readFacts(facts, response),
    })
  const head = await request('HEAD', 0)
  head.destroy()
  if (head.status !== 200 && !(head.status >= 300 && head.status < 400)) {
    const error = hubError(options.model, file, {
      status: head.status,
      code: header(head, 'x-error-code'),
      hasToken: token !== undefined,
    })
    const absent = head.status === 404 && header(head, 'x-error-code') !== 'RepoNotFound'
    if (file !== REQUIRED && absent && header(head, 'x-error-code') !== 'RevisionNotFound') return undefined
    throw error
  }
  if (head.status === 200) facts.size ??= Number(header(head, 'content-length') ?? Number.NaN)
  const target = join(folder, 'snapshots', facts.commit ?? revision, file)
  const done = await stat(target).catch(() => undefined)
  if (done && (facts.size === undefined || Number.isNaN(facts.size) || done.size === facts.size)) return facts
  await fetchTo(target, facts, file, options, request)
  return facts
}

/**
 * The unfinished file's name has the content's checksum, so all who write to it write the same bytes to the same places: two
 * processes do not disturb each other, and whoever comes later goes on where the file ends. Without a checksum the name is
 * not shared and nothing is resumed.
 */
async function fetchTo(
  target: string,
  facts: FileFacts,
  file: string,
  options: DownloadOptions,
  request: (method: 'GET', range: number) => Promise<HttpResponse>,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  const partial = `${target}.${facts.checksum ?? 'unknown'}.part`
  if (facts.checksum === undefined) await rm(partial, { force: true })
  const handle = await open(partial, constants.O_RDWR | constants.O_CREAT)
  const total = Number.isFinite(facts.size) ? facts.size : undefined
  try {
    let position = (await handle.stat()).size
    if (total === undefined || position < total) {
      const response = await request('GET', position)
      const resumed = response.status === 206 && header(response, 'content-range')?.startsWith(`bytes ${position}-`)
      if (response.status !== 200 && !resumed) {
        response.destroy()
        const code = header(response, 'x-error-code')
        throw hubError(options.model, file, { status: response.status, code, hasToken: true })
      }
      if (!resumed) position = 0
      for await (const part of response.body) {
        await handle.write(part, 0, part.length, position)
        position += part.length
        options.onProgress?.({ file, receivedBytes: position, totalBytes: total })
      }
      if (total !== undefined && position !== total) {
        throw new TokenizerError(`${file} ended after ${position} of ${total} bytes; start again to go on`, 'network')
      }
    }
    if (!(await isIntact(handle, facts.checksum))) {
      await rm(partial, { force: true })
      throw new TokenizerError(`${file} arrived damaged (its checksum differs) and was deleted; start again`, 'network')
    }
  } finally {
    await handle.close()
  }
  // ENOENT: another process was faster and has already put the same content in place.
  await rename(partial, target).catch(error => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
}

/** Reads through the open file, which stays the same when another process renames it. */
async function isIntact(handle: FileHandle, checksum: string | undefined): Promise<boolean> {
  if (checksum === undefined) return true
  const hash = createHash(checksum.length === 64 ? 'sha256' : 'sha1')
  if (checksum.length === 40) hash.update(`blob ${(await handle.stat()).size}\0`)
  for await (const part of handle.createReadStream({ start: 0, autoClose: false })) hash.update(part as Buffer)
  return hash.digest('hex') === checksum
}
