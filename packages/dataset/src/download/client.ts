import { STATUS_CODES } from 'node:http'
import { DatasetError, messageOf } from '../errors.ts'

/** `fetch`, or a replacement that goes through a proxy. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** One GET. */
export interface GetOptions {
  fetch: Fetch
  headers?: Record<string, string>
  /** Value of `Authorization`. It goes to the origin of the first URL only, not to where that redirects. */
  authorization?: string | undefined
  signal?: AbortSignal | undefined
  /** How many redirects are followed. Default 10. */
  redirects?: number
}

/** A response and what the hops before it said about the file. */
export interface Got {
  response: Response
  /** SHA-256 in lower-case hex that a hub announced (`x-linked-etag`, on the redirect to its store). */
  sha256?: string
}

/**
 * GETs a URL. Redirects are followed here and not by `fetch`, which hides the headers of the hops in between and would send
 * the credentials along.
 *
 * @throws DatasetError `network`, `cancelled`
 */
export async function get(url: string, options: GetOptions): Promise<Got> {
  const { fetch, redirects = 10, signal } = options
  const origin = parse(url).origin
  let target = parse(url)
  let sha256: string | undefined
  for (let hop = 0; hop <= redirects; hop++) {
    const headers: Record<string, string> = { 'accept-encoding': 'identity', ...options.headers }
    if (options.authorization !== undefined && target.origin === origin)
      headers['authorization'] = options.authorization
    const response = await send(fetch, target, { headers, redirect: 'manual', signal: signal ?? null })
    sha256 ??= digestIn(response.headers.get('x-linked-etag'))
    if (response.status < 300 || response.status > 399 || response.status === 304)
      return sha256 === undefined ? { response } : { response, sha256 }
    await response.body?.cancel()
    const location = response.headers.get('location')
    if (location === null) throw new DatasetError('network', 'redirect without Location header')
    try {
      target = new URL(location, target)
    } catch (error) {
      throw new DatasetError('network', `parse redirect ${JSON.stringify(location)}: ${messageOf(error)}`, error)
    }
  }
  throw new DatasetError('network', `max redirects (${redirects + 1}) exceeded`)
}

/** `404 Not Found`, also where the server gives no reason. */
export function statusLine(response: Response): string {
  return `${response.status} ${response.statusText || STATUS_CODES[response.status] || 'unknown'}`
}

/** The innermost message of an error: `fetch` says only "fetch failed" and "terminated". */
export function rootMessage(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause
  if (inner instanceof AggregateError && inner.message === '') inner = inner.errors[0]
  return messageOf(inner)
}

async function send(fetch: Fetch, url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    throw new DatasetError('network', rootMessage(error), error)
  }
}

function parse(url: string): URL {
  try {
    return new URL(url)
  } catch (error) {
    throw new DatasetError('network', `${JSON.stringify(url)} is not a URL`, error)
  }
}

/** The digest in an entity tag, if it is one: Git LFS stores name files by their SHA-256. */
function digestIn(tag: string | null): string | undefined {
  return tag
    ?.replace(/^W\//, '')
    .match(/^"?([0-9a-f]{64})"?$/i)?.[1]
    ?.toLowerCase()
}
