import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type GetOptions, get } from './client.ts'

/** SHA-256 of a file in lower-case hex; constant memory. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path, signal ? { signal } : {})) digest.update(chunk)
  return digest.digest('hex')
}

/**
 * The digest in `<url>.sha256`, the file that `sha256sum` makes, if the server has one. Anything else that it answers, an HTML
 * page included, means that it has none.
 */
export async function publishedSha256(url: string, options: GetOptions): Promise<string | undefined> {
  const sidecar = new URL(url)
  sidecar.pathname += '.sha256'
  try {
    const { response } = await get(sidecar.href, options)
    if (response.status !== 200) {
      await response.body?.cancel()
      return undefined
    }
    return (await head(response, 200)).match(/^\\?([0-9a-f]{64})(?![0-9a-z])/i)?.[1]?.toLowerCase()
  } catch (error) {
    if (options.signal?.aborted) throw error
    return undefined
  }
}

/** The beginning of a body as text. */
async function head(response: Response, bytes: number): Promise<string> {
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('latin1')
    if (text.length >= bytes) break
  }
  return text
}
