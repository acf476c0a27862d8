import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { ZipFile } from 'yazl'

/** A ZIP archive of the files of a tokenizer. */
export interface Archive {
  readonly data: Buffer
  /** Hexadecimal, of the whole archive. */
  readonly sha256: string
}

/** Files by name, and by ending, as vLLM's servicer chooses them. */
const names = new Set([
  'tokenizer.json',
  'tokenizer_config.json',
  'config.json',
  'generation_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'tiktoken.model',
  'chat_template.json',
  'preprocessor_config.json',
  'processor_config.json',
  'video_preprocessor_config.json',
])
const endings = ['.tiktoken', '.jinja', '.model']

/** What a gateway takes at most: the limits of SMG's router, bytes and files. */
const maxBytes = 200 * 1024 * 1024
const maxFiles = 50

/** Makes the archive of a directory at the first request and keeps it. A failure is not kept. */
export class TokenizerArchive {
  readonly #directory: string | undefined
  #made: Promise<Archive> | undefined

  /** @param directory with the files of the tokenizer; undefined when the server has none */
  constructor(directory: string | undefined) {
    this.#directory = directory
  }

  /** @throws ConnectError when there are no files, or too many */
  get(): Promise<Archive> {
    this.#made ??= this.#make().catch(error => {
      this.#made = undefined
      throw error
    })
    return this.#made
  }

  async #make(): Promise<Archive> {
    const directory = this.#directory
    if (directory === undefined) {
      throw new ConnectError('Tokenizer path is not configured on this server.', Code.FailedPrecondition)
    }
    const files = await tokenizerFiles(directory)
    if (files.length === 0) throw new ConnectError(`No tokenizer files found in ${directory}`, Code.Internal)
    const zip = new ZipFile()
    for (const file of files) zip.addFile(join(directory, file), file)
    zip.end()
    // Reading and compressing are the thread pool's; here a piece at a time is hashed.
    const hash = createHash('sha256')
    const pieces: Buffer[] = []
    const failed = Promise.withResolvers<never>()
    zip.on('error', failed.reject)
    const collected = (async () => {
      for await (const piece of zip.outputStream) {
        hash.update(piece as Buffer)
        pieces.push(piece as Buffer)
      }
    })()
    await Promise.race([collected, failed.promise])
    return { data: Buffer.concat(pieces), sha256: hash.digest('hex') }
  }
}

/** Names of the files, sorted. @throws ConnectError when they are more than a gateway takes */
async function tokenizerFiles(directory: string): Promise<string[]> {
  const found: string[] = []
  let bytes = 0
  const entries = await readdir(directory).catch(() => [])
  for (const name of entries.sort()) {
    if (!names.has(name) && !endings.some(ending => name.endsWith(ending))) continue
    // Files in the cache of the hub are links.
    const info = await stat(join(directory, name)).catch(() => undefined)
    if (!info?.isFile()) continue
    bytes += info.size
    found.push(name)
  }
  if (found.length > maxFiles || bytes > maxBytes) {
    throw new ConnectError(
      `The tokenizer has ${found.length} files of ${bytes} bytes; at most ${maxFiles} files of ${maxBytes} bytes are sent`,
      Code.Internal,
    )
  }
  return found
}
