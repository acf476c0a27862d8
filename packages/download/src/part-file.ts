import {
  constants,
  type FileHandle,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DownloadError } from './errors.ts'

/** What must be the same for a part to be continued. */
export interface PartOrigin {
  /** The URL that was asked for. */
  url: string
  /** A strong `ETag`, or `Last-Modified`, for `If-Range`. */
  validator?: string | undefined
  /** Digest of the whole content in hex, where it is known from the start. */
  checksum?: string | undefined
}

/**
 * The file that a download is written to: `<path>.part`, and beside it `<path>.part.json`, which says where it comes from.
 * It takes the place of `path` only when it is complete.
 *
 * Processes that download the same content share it: all write the same bytes to the same places. One that gets other content
 * begins a new file under the name; who wrote to the old one learns it from `isReplaced`.
 */
export class PartFile {
  readonly path: string
  readonly #final: string
  #handle: FileHandle | undefined

  constructor(final: string) {
    this.#final = final
    this.path = `${final}.part`
  }

  /** Size in bytes and origin of what an earlier download left, if it can be continued. */
  async leftover(wanted: PartOrigin): Promise<{ size: number; validator?: string | undefined } | undefined> {
    const size = await this.#size()
    const origin = await this.#origin()
    if (!size || origin?.url !== wanted.url) return undefined
    if (wanted.checksum !== undefined) return origin.checksum === wanted.checksum ? { size } : undefined
    return typeof origin.validator === 'string' ? { size, validator: origin.validator } : undefined
  }

  /** Opens the part, with what is in it only when that has this origin. */
  async begin(origin: PartOrigin): Promise<void> {
    await this.close()
    // In this order: who has written bytes had said before where they are from.
    const size = await this.#size()
    const before = await this.#origin()
    const identity = origin.checksum ?? origin.validator
    const same =
      identity !== undefined && before?.url === origin.url && identity === (before.checksum ?? before.validator)
    if (!same) {
      // Removed and not emptied: another process may be writing to it.
      if (before || size) await this.discard()
      if (identity !== undefined) await this.#publish(origin)
    }
    this.#handle = await open(this.path, constants.O_RDWR | constants.O_CREAT)
  }

  /** The open file. */
  get handle(): FileHandle {
    return this.#handle!
  }

  /** Writes bytes at a place. */
  async write(chunk: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      done += (await this.handle.write(chunk, done, chunk.length - done, position + done)).bytesWritten
    }
  }

  /** Ends it after so many bytes and flushes them to disk. */
  async finish(size: number): Promise<void> {
    await this.handle.truncate(size)
    await this.handle.sync()
  }

  /** Whether the file that is open here has lost both its names: another process has begun with other content. */
  async isReplaced(): Promise<boolean> {
    return this.#handle !== undefined && !(await this.#isOpened(this.path)) && !(await this.isCommitted())
  }

  /** Whether another process has already put the file that is open here in place. */
  isCommitted(): Promise<boolean> {
    return this.#isOpened(this.#final)
  }

  async #isOpened(path: string): Promise<boolean> {
    const [opened, there] = await Promise.all([
      this.#handle?.stat({ bigint: true }),
      stat(path, { bigint: true }).catch(() => undefined),
    ])
    return opened !== undefined && there !== undefined && opened.ino === there.ino && opened.dev === there.dev
  }

  /**
   * Puts the part in the place of the final file, in one step.
   * @throws DownloadError when the part is no longer the file that is open here
   */
  async commit(): Promise<void> {
    const moved = !(await this.isReplaced()) && (await rename(this.path, this.#final).then(() => true, falseIfMissing))
    if (!(await this.isCommitted())) {
      // Replaced just now: what was moved is the beginning of something else.
      if (moved) await rename(this.#final, this.path)
      throw this.replaced()
    }
    await this.close()
    await rm(this.#originPath, { force: true })
    await syncDirectory(dirname(this.#final))
  }

  /** The error of a part that another process has replaced. */
  replaced(): DownloadError {
    const text = `failed to download file: another process downloads other content to ${this.path}`
    return new DownloadError('network', text)
  }

  /** Throws the part away. */
  async discard(): Promise<void> {
    await this.close()
    await rm(this.path, { force: true })
    await rm(this.#originPath, { force: true })
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  async #size(): Promise<number | undefined> {
    return stat(this.path).then(
      ({ size }) => size,
      () => undefined,
    )
  }

  async #origin(): Promise<Partial<PartOrigin> | undefined> {
    try {
      return JSON.parse(await readFile(this.#originPath, 'utf8')) ?? undefined
    } catch {
      // There is none, or it is not ours: start from the beginning.
      return undefined
    }
  }

  /** By way of a folder that is nobody else's, so that no reader sees half of it. */
  async #publish(origin: PartOrigin): Promise<void> {
    const folder = await mkdtemp(`${this.path}.`)
    await writeFile(join(folder, 'origin'), JSON.stringify(origin))
    await rename(join(folder, 'origin'), this.#originPath)
    await rmdir(folder)
  }

  get #originPath(): string {
    return `${this.path}.json`
  }
}

/** Another process that does the same may have been faster. */
function falseIfMissing(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false
  throw error
}

/** Makes a rename survive a power failure, where the system can (not on Windows). */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch {
    // The rename itself is done; only its durability could not be asked for.
  }
}
