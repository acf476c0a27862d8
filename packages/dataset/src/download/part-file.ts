import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What must be the same for a part to be continued. */
export interface PartOrigin {
  /** The URL that was asked for. */
  url: string
  /** A strong `ETag`, or `Last-Modified`, for `If-Range`. */
  validator: string
}

/**
 * The file that a download is written to: `<path>.part`, and beside it `<path>.part.json`, which says where it comes from.
 * It takes the place of `path` only when it is complete.
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
  async leftover(url: string): Promise<{ size: number; validator: string } | undefined> {
    try {
      const { size } = await stat(this.path)
      const origin: Partial<PartOrigin> = JSON.parse(await readFile(this.#originPath, 'utf8'))
      if (size > 0 && origin.url === url && typeof origin.validator === 'string')
        return { size, validator: origin.validator }
    } catch {
      // There is none, or it is not ours: start from the beginning.
    }
    return undefined
  }

  /** Opens the part: to be continued, or emptied. */
  async begin(append: boolean, origin: PartOrigin | undefined): Promise<void> {
    await this.close()
    this.#handle = await open(this.path, append ? 'a' : 'w')
    if (append) return
    if (origin) await writeFile(this.#originPath, JSON.stringify(origin))
    else await rm(this.#originPath, { force: true })
  }

  /** Appends bytes. */
  async write(chunk: Uint8Array): Promise<void> {
    let rest = chunk
    while (rest.length > 0) rest = rest.subarray((await this.#handle!.write(rest)).bytesWritten)
  }

  /** Flushes to disk. */
  async sync(): Promise<void> {
    await this.#handle?.sync()
  }

  /** Puts the part in the place of the final file, in one step. */
  async commit(): Promise<void> {
    await this.close()
    await rename(this.path, this.#final)
    await rm(this.#originPath, { force: true })
    await syncDirectory(dirname(this.#final))
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

  get #originPath(): string {
    return `${this.path}.json`
  }
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
