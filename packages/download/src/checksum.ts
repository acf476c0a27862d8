import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { type HttpRequest, httpRequest } from './http.ts'

/** SHA-256 of a file in lower-case hex; constant memory. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path, signal ? { signal } : {})) digest.update(chunk)
  return digest.digest('hex')
}

/**
 * Digest of an open file, which stays the same when another process renames it.
 * @param digits 64: SHA-256; 40: SHA-1 as git names the content, with its size before it
 */
export async function digestOf(handle: FileHandle, digits: number, signal?: AbortSignal): Promise<string> {
  const digest = createHash(digits === 40 ? 'sha1' : 'sha256')
  if (digits === 40) digest.update(`blob ${(await handle.stat()).size}\0`)
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false })) {
    signal?.throwIfAborted()
    digest.update(chunk)
  }
  return digest.digest('hex')
}

/**
 * The digest in `<url>.sha256`, the file that `sha256sum` makes, if the server has one. Anything else that it answers, an HTML
 * page included, means that it has none.
 */
export async function publishedSha256(url: string, options: HttpRequest): Promise<string | undefined> {
  const sidecar = new URL(url)
  sidecar.pathname += '.sha256'
  try {
    const response = await httpRequest(sidecar.href, options)
    let text = ''
    if (response.status === 200) {
      for await (const chunk of response.body) {
        text += chunk.toString('latin1')
        if (text.length >= 200) break
      }
    }
    response.destroy()
    return text.match(/^\\?([0-9a-f]{64})(?![0-9a-z])/i)?.[1]?.toLowerCase()
  } catch (error) {
    if (options.signal?.aborted) throw error
    return undefined
  }
}
