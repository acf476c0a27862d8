import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { type DownloadOptions, download } from './download.ts'
import { breakAfter, serveBytes, startServer, type TestServer } from './testing/file-server.ts'

const bytes = Buffer.alloc(200_000, 'some bytes ')
const other = Buffer.alloc(150_000, 'other bytes ')
const sha256 = createHash('sha256').update(bytes).digest('hex')
let folder: string
let path: string
let server: TestServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'download-test-'))
  path = join(folder, 'file')
  server = await startServer(serveBytes(bytes))
  return async () => {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  }
})

const fetchFile = (options: Partial<DownloadOptions> = {}) => download({ url: `${server.url}/file`, path, ...options })

test.each([
  ['a checksum', { checksum: sha256 }],
  ['a validator', {}],
])('several at once, told apart by %s, leave one whole file and nothing else', async (_, options) => {
  await Promise.all([fetchFile(options), fetchFile(options), fetchFile(options)])
  expect(readFileSync(path).equals(bytes)).toBe(true)
  expect(readdirSync(folder)).toEqual(['file'])
})

test('one that comes while another is under way goes on from what is there, and both end well', async () => {
  let second: Promise<void> | undefined
  const { promise: secondIsThrough, resolve } = Promise.withResolvers<void>()
  const whole = serveBytes(bytes)
  server.handle = (request, response) => {
    if (request.url !== '/file' || server.requests.length > 1) return whole(request, response)
    response.writeHead(200, { etag: '"v1"', 'content-length': bytes.length })
    response.write(bytes.subarray(0, 50_000))
    void secondIsThrough.then(() => response.end(bytes.subarray(50_000)))
  }
  const onProgress = ({ received }: { received: number }): void => {
    if (received !== 50_000) return
    second = fetchFile()
    void second.then(resolve)
  }
  await fetchFile({ onProgress })
  await second
  expect(server.requests[1]!.headers.range).toBe('bytes=50000-')
  expect(readFileSync(path).equals(bytes)).toBe(true)
  expect(readdirSync(folder)).toEqual(['file'])
})

test('one that gets other content does not write into the file of the first, which says so', async () => {
  let second: Promise<void> | undefined
  const changed = serveBytes(other, '"v2"')
  const { promise: secondIsThrough, resolve } = Promise.withResolvers<void>()
  server.handle = (request, response) => {
    if (request.url !== '/file' || server.requests.length > 1) return changed(request, response)
    response.writeHead(200, { etag: '"v1"', 'content-length': bytes.length })
    response.write(bytes.subarray(0, 50_000))
    void secondIsThrough.then(() => response.end(bytes.subarray(50_000)))
  }
  const onProgress = ({ received }: { received: number }): void => {
    if (received !== 50_000) return
    second = fetchFile()
    void second.then(resolve)
  }
  await expect(fetchFile({ onProgress })).rejects.toThrow('another process downloads other content')
  await second
  expect(readFileSync(path).equals(other)).toBe(true)
})

test('what git names by its SHA-1 is checked by it', async () => {
  const checksum = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
  await fetchFile({ checksum })
  writeFileSync(path, 'old')
  await expect(fetchFile({ checksum: checksum.replace(/^./, 'x') })).rejects.toMatchObject({ code: 'checksum' })
  expect(readFileSync(path, 'utf8')).toBe('old')
})

test('with a checksum an unfinished file is continued without any validator', async () => {
  const { handle, onProgress } = breakAfter(bytes, 30_000)
  server.handle = handle
  await expect(fetchFile({ checksum: sha256, onProgress, retries: 0 })).rejects.toMatchObject({ code: 'network' })
  server.handle = (_, response) => {
    response.writeHead(206, { 'content-range': `bytes 30000-${bytes.length - 1}/${bytes.length}` })
    response.end(bytes.subarray(30_000))
  }
  await fetchFile({ checksum: sha256 })
  expect(server.requests[1]!.headers.range).toBe('bytes=30000-')
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('proxies come from the environment that is given', async () => {
  const environment = { http_proxy: server.url }
  await fetchFile({ url: 'http://files.invalid/file', environment })
  expect(server.requests[0]!.url).toBe('http://files.invalid/file')
  expect(readFileSync(path).equals(bytes)).toBe(true)
})
