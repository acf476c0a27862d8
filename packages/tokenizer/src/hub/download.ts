import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  DownloadError,
  download,
  type Environment,
  type HttpResponse,
  headerOf,
  httpRequest,
  type Progress,
  type StartTimer,
} from '@vllm-sim/download'
import { hubError, networkError } from './errors.ts'
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

function readFacts(facts: FileFacts, response: Pick<HttpResponse, 'headers'>): void {
  facts.commit ??= headerOf(response, 'x-repo-commit')
  const etag = headerOf(response, 'x-linked-etag') ?? headerOf(response, 'etag')
  const checksum = etag?.replace(/^W\//, '').replaceAll('"', '')
  if (checksum && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum)) facts.checksum ??= checksum
  const size = headerOf(response, 'x-linked-size')
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
      if (!(error instanceof DownloadError)) throw error
      if (error.code === 'checksum') {
        const text = `${file} arrived damaged (its checksum differs) and was deleted; start again`
        throw networkError(options.model, hubEndpoint(options.environment), new DownloadError('checksum', text, error))
      }
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
  const { model, environment, startTimer, silenceMs = 10_000, onProgress } = options
  const revision = options.revision ?? 'main'
  const facts: FileFacts = { commit: undefined, checksum: undefined, size: undefined }
  const url = `${hubEndpoint(environment)}/${repositoryPath(model)}/resolve/${encodeURIComponent(revision)}/${file}`
  const authorization = token ? `Bearer ${token}` : undefined
  const headers = { 'user-agent': 'vllm-sim' }
  const head = await httpRequest(url, {
    method: 'HEAD',
    headers: { ...headers, 'accept-encoding': 'identity', ...(authorization ? { authorization } : {}) },
    environment,
    startTimer,
    silenceMs,
    // A content network's address may be signed for GET only, and the hub's own answer says all that HEAD is for.
    sameHostOnly: true,
    onHeaders: response => readFacts(facts, response),
  })
  head.destroy()
  const code = headerOf(head, 'x-error-code')
  const refused = ({ status }: HttpResponse) => hubError(model, file, { status, code, hasToken: token !== undefined })
  if (head.status !== 200 && !(head.status >= 300 && head.status < 400)) {
    const absent = head.status === 404 && code !== 'RepoNotFound' && code !== 'RevisionNotFound'
    if (file !== REQUIRED && absent) return undefined
    throw refused(head)
  }
  if (head.status === 200) facts.size ??= Number(headerOf(head, 'content-length') ?? Number.NaN)
  const path = join(folder, 'snapshots', facts.commit ?? revision, file)
  const done = await stat(path).catch(() => undefined)
  if (done && (facts.size === undefined || Number.isNaN(facts.size) || done.size === facts.size)) return facts
  await mkdir(dirname(path), { recursive: true })
  const progress = ({ received, total }: Progress) => onProgress?.({ file, receivedBytes: received, totalBytes: total })
  await download({
    url,
    path,
    checksum: facts.checksum,
    headers,
    authorization,
    environment,
    startTimer,
    silenceMs,
    retries: 0,
    onProgress: progress,
    badStatus: refused,
  })
  return facts
}
