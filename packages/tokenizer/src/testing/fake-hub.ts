import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { type SeenRequest, startServer, type TestServer } from './http-server.ts'

/** What a fake hub has, and how it misbehaves. */
export interface FakeHub {
  /** Files of the only repository, `org/model`. */
  files: Record<string, string>
  /** Files that are answered with a redirect to the content network, as large files are. */
  large?: string[]
  /** Only this token is let in. */
  token?: string
  /** Answers come with `x-error-code: GatedRepo`. */
  gated?: boolean
  /** The content network breaks off after so many bytes; once. */
  breakAfter?: number
  /** What the content network sends instead. */
  corrupt?: string
}

const COMMIT = '0123456789abcdef0123456789abcdef01234567'

function blobHash(content: string): string {
  return createHash('sha1')
    .update(`blob ${Buffer.byteLength(content)}\0`)
    .update(content)
    .digest('hex')
}

/** Two servers: a hub in the manner of huggingface.co, and the content network that it redirects to. */
export async function startFakeHub(hub: FakeHub): Promise<{ hub: TestServer; content: TestServer }> {
  const content = await startServer((request, response) => sendContent(hub, request, response))
  const server = await startServer((request, response) => {
    const fail = (status: number, code: string) => response.writeHead(status, { 'x-error-code': code }).end()
    if (hub.token !== undefined && request.headers.authorization !== `Bearer ${hub.token}`) {
      return void (hub.gated ? fail(403, 'GatedRepo') : fail(401, 'RepoNotFound'))
    }
    if (request.url.startsWith('/api/models/')) {
      return void response.writeHead(request.url === '/api/models/org/model' ? 200 : 404).end('{}')
    }
    const file = /^\/org\/model\/resolve\/main\/(.*)$/.exec(request.url)?.[1]
    if (file === undefined) return void fail(404, 'RepoNotFound')
    const text = hub.files[file]
    if (text === undefined) return void fail(404, 'EntryNotFound')
    if (!hub.large?.includes(file)) {
      response.writeHead(200, {
        etag: `"${blobHash(text)}"`,
        'x-repo-commit': COMMIT,
        'content-length': Buffer.byteLength(text),
      })
      return void response.end(request.method === 'HEAD' ? undefined : text)
    }
    const etag = createHash('sha256').update(text).digest('hex')
    response.writeHead(302, {
      location: `${content.url}/${file}`,
      'x-linked-etag': `"${etag}"`,
      'x-linked-size': Buffer.byteLength(text),
      'x-repo-commit': COMMIT,
    })
    response.end()
  })
  return { hub: server, content }
}

function sendContent(hub: FakeHub, request: SeenRequest, response: ServerResponse): void {
  const bytes = Buffer.from(hub.corrupt ?? hub.files[request.url.slice(1)]!)
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, ...(start > 0 ? range : {}) })
  if (hub.breakAfter !== undefined) {
    const end = start + hub.breakAfter
    delete hub.breakAfter
    response.write(bytes.subarray(start, end), () => response.destroy())
    return
  }
  response.end(bytes.subarray(start))
}
