import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { breakAfter, notFound, serveBytes, startServer, type TestServer } from '@vllm-sim/download/testing'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { insertRows, makeFile, referenceTable, temporaryDirectory, validFile } from '../testing/fixtures.ts'
import { type EnsureOptions, ensureDataset } from './ensure.ts'

let directory: ReturnType<typeof temporaryDirectory>
let path: string
let bytes: Buffer
let server: TestServer

beforeEach(async () => {
  directory = temporaryDirectory()
  path = directory.file('sub/dataset.sqlite3')
  bytes = readFileSync(
    makeFile(directory.file('source'), referenceTable, db => {
      const ids = Array.from({ length: 300 }, (_, i) => i)
      const rows = Array.from({ length: 300 }, (_, i) => ({
        hash: Buffer.alloc(32, i),
        answer: { ids, pieces: ids.map(id => `word ${id}`) },
      }))
      insertRows(db, rows)
    }),
  )
  server = await startServer(serveBytes(bytes))
  return async () => {
    await server[Symbol.asyncDispose]()
    directory[Symbol.dispose]()
  }
})

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')
const ensure = (options: Partial<EnsureOptions> = {}) =>
  ensureDataset({ path, url: `${server.url}/data.sqlite3`, ...options })
const left = () => (existsSync(directory.file('sub')) ? readdirSync(directory.file('sub')).sort() : [])

test('downloads, makes the directory, tells the progress, leaves nothing else behind', async () => {
  const onProgress = vi.fn()
  expect(await ensure({ onProgress })).toBe('downloaded')
  expect(readFileSync(path).equals(bytes)).toBe(true)
  expect(left()).toEqual(['dataset.sqlite3'])
  expect(onProgress.mock.calls[0]![0]).toEqual({ received: 0, total: bytes.length })
  expect(onProgress.mock.lastCall![0]).toEqual({ received: bytes.length, total: bytes.length })
})

test('12: something that exists is not downloaded and no request is made', async () => {
  mkdirSync(directory.file('sub'))
  writeFileSync(path, 'whatever it is')
  const log = vi.fn()
  expect(await ensure({ log })).toBe('present')
  expect(log).toHaveBeenCalledWith(`Dataset file already exists, should not download: ${path}`)
  expect(server.requests).toEqual([])
})

test('a file of 0 bytes, left by an interrupted start, counts as absent', async () => {
  mkdirSync(directory.file('sub'))
  writeFileSync(path, '')
  expect(await ensure()).toBe('downloaded')
  expect(statSync(path).size).toBe(bytes.length)
})

test('13: a bad status says so and leaves nothing; the next start downloads', async () => {
  const good = server.handle
  server.handle = (_, response) => notFound(response)
  await expect(ensure()).rejects.toThrow(/^dataset download bad status: 404 Not Found$/)
  expect(left()).toEqual([])
  server.handle = good
  expect(await ensure()).toBe('downloaded')
})

test('a server that is not there, and a URL that is none', async () => {
  await server[Symbol.asyncDispose]()
  const dead = server.url
  server = await startServer(serveBytes(bytes))
  await expect(ensure({ url: `${dead}/x` })).rejects.toThrow(/ECONNREFUSED/)
  await expect(ensure({ url: 'not a url' })).rejects.toThrow('"not a url" is not a URL')
  expect(left()).toEqual([])
})

describe('a wrong file is refused and the old one stays', () => {
  beforeEach(() => {
    mkdirSync(directory.file('sub'))
    writeFileSync(path, 'old')
  })
  const refused = async (message: RegExp | string, options: Partial<EnsureOptions> = {}) => {
    await expect(ensure({ force: true, ...options })).rejects.toThrow(message)
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(left()).toEqual(['dataset.sqlite3'])
  }

  test('an HTML page', async () => {
    server.handle = serveBytes(Buffer.from('<!doctype html><title>Please log in</title>'))
    await refused(/is not a usable dataset and was removed: .*file is not a database \(it begins with "<!doctype html>/)
  })

  test('a file that was cut off on the server', async () => {
    server.handle = serveBytes(bytes.subarray(0, bytes.length - 5000))
    await refused(/is truncated: its header promises/)
  })

  test('damage in the middle of the file, without any checksum', async () => {
    const damaged = Buffer.from(bytes)
    damaged.fill(0x5a, 8192, 12288)
    server.handle = serveBytes(damaged)
    await refused(/is damaged: /)
  })

  test('another table', async () => {
    await refused(/missing expected column in mine table: id/, { table: 'mine' })
  })

  test('no content', async () => {
    server.handle = serveBytes(Buffer.alloc(0))
    await refused(/^downloaded file is empty$/)
  })

  test('a checksum that was given', async () => {
    const wrong = '0'.repeat(64)
    await refused(`its SHA-256 is ${sha256(bytes)}, ${wrong} was expected; ${path} is left as it was`, {
      checksum: wrong,
    })
  })

  test('a checksum that a hub announced on its redirect', async () => {
    const serve = serveBytes(bytes)
    server.handle = (request, response) =>
      request.url === '/data.sqlite3'
        ? response.writeHead(302, { location: '/store/abc', 'x-linked-etag': `"${'1'.repeat(64)}"` }).end()
        : serve(request, response)
    await refused(/SHA-256 is .*, 1{64} was expected/)
  })

  test('a checksum in a file beside it', async () => {
    const serve = serveBytes(bytes)
    server.handle = (request, response) =>
      request.url === '/data.sqlite3.sha256'
        ? response.end(`${'2'.repeat(64)}  data.sqlite3\n`)
        : serve(request, response)
    await refused(/SHA-256 is .*, 2{64} was expected/)
  })
})

test('a good new file takes the place of the old one', async () => {
  mkdirSync(directory.file('sub'))
  validFile(path)
  expect(await ensure({ force: true, checksum: sha256(bytes).toUpperCase() })).toBe('downloaded')
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('a page in the place of the checksum file is not taken for one', async () => {
  const serve = serveBytes(bytes)
  server.handle = (request, response) =>
    request.url?.endsWith('.sha256') ? response.end('<html>abc</html>') : serve(request, response)
  expect(await ensure()).toBe('downloaded')
})

describe('resuming', () => {
  /** A download of which 20,000 bytes come. */
  const broken = async (content: Uint8Array, { error = /./, etag = '"v1"', url = `${server.url}/data.sqlite3` }) => {
    const { handle, onProgress } = breakAfter(content, 20000, etag)
    server.handle = handle
    await expect(ensure({ url, onProgress, retries: 0 })).rejects.toThrow(error)
    expect(statSync(`${path}.part`).size).toBe(20000)
  }

  test('a connection that breaks is taken up again where it broke', async () => {
    const serve = serveBytes(bytes)
    const { handle, onProgress } = breakAfter(bytes, 20000)
    server.handle = (request, response) => {
      server.handle = serve
      handle(request, response)
    }
    expect(await ensure({ onProgress })).toBe('downloaded')
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(server.requests[1]!.headers.range).toBe('bytes=20000-')
    expect(server.requests[1]!.headers['if-range']).toBe('"v1"')
  })

  test('a later call goes on with what an earlier one left', async () => {
    await broken(bytes, { error: /^failed to download file: / })
    expect(left()).toEqual(['dataset.sqlite3.part', 'dataset.sqlite3.part.json'])
    server.handle = serveBytes(bytes)
    await ensure()
    expect(server.requests[1]!.headers.range).toBe('bytes=20000-')
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(left()).toEqual(['dataset.sqlite3'])
  })

  test('a file that changed on the server is downloaded from its beginning', async () => {
    await broken(Buffer.alloc(bytes.length, 1), { etag: '"v0"' })
    server.handle = serveBytes(bytes)
    await ensure()
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  test('what another URL left is not continued', async () => {
    await broken(Buffer.alloc(bytes.length, 1), { url: `${server.url}/other` })
    server.handle = serveBytes(bytes)
    await ensure()
    expect(server.requests[1]!.headers.range).toBeUndefined()
  })

  test('a part that was complete already is used as it is', async () => {
    mkdirSync(directory.file('sub'))
    writeFileSync(`${path}.part`, bytes)
    writeFileSync(`${path}.part.json`, JSON.stringify({ url: `${server.url}/data.sqlite3`, validator: '"v1"' }))
    await ensure()
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(server.requests.filter(({ url }) => url === '/data.sqlite3')).toHaveLength(1)
  })

  test('a part that is longer than the file is thrown away', async () => {
    mkdirSync(directory.file('sub'))
    writeFileSync(`${path}.part`, Buffer.concat([bytes, bytes]))
    writeFileSync(`${path}.part.json`, JSON.stringify({ url: `${server.url}/data.sqlite3`, validator: '"v1"' }))
    await ensure()
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })
})

test('cancelled: the text says by whom, and the next call goes on', async () => {
  server.handle = (_, response) => {
    response.writeHead(200, { etag: '"v1"', 'content-length': bytes.length })
    response.write(bytes.subarray(0, 30000))
  }
  const controller = new AbortController()
  const onProgress = ({ received }: { received: number }): void => {
    if (received === 30000) controller.abort()
  }
  await expect(ensure({ signal: controller.signal, onProgress })).rejects.toThrow(/^download cancelled by user$/)
  expect(existsSync(path)).toBe(false)
  server.handle = serveBytes(bytes)
  await ensure()
  expect(server.requests.at(-2)!.headers.range).toBe('bytes=30000-')
})

test('a server that goes silent is given up', async () => {
  server.handle = (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, 10))
  }
  let expire = (): void => {}
  const clock = {
    timer(delay: number, run: () => void) {
      expect(delay).toBe(9000)
      expire = run
      return { cancel() {} }
    },
  }
  const onProgress = ({ received }: { received: number }): void => {
    if (received === 10) expire()
  }
  await expect(ensure({ clock, idleTimeout: 9000, onProgress, retries: 0 })).rejects.toThrow(
    /^failed to download file: no data for 9 s$/,
  )
})

test.runIf(existsSync('/dev/full'))('a full disk is named, and the part does not stay on it', async () => {
  mkdirSync(directory.file('sub'))
  symlinkSync('/dev/full', `${path}.part`)
  await expect(ensure()).rejects.toMatchObject({ code: 'disk-full', message: expect.stringContaining('no space left') })
  expect(left()).toEqual([])
})

test('a file that cannot fit is refused before a byte is written', async () => {
  server.handle = (_, response) => {
    response.writeHead(200, { 'content-length': 2 ** 52 })
    response.write('x')
  }
  await expect(ensure()).rejects.toMatchObject({ code: 'disk-full', message: expect.stringContaining('MB free') })
  expect(left()).toEqual([])
})

describe('redirects', () => {
  test('are followed; credentials stay with the first host', async () => {
    const store = await startServer(serveBytes(bytes))
    onTestFinished(() => store[Symbol.asyncDispose]())
    server.handle = (request, response) =>
      request.url === '/data.sqlite3'
        ? response.writeHead(307, { location: '/moved' }).end()
        : response.writeHead(302, { location: `${store.url}/blob` }).end()
    await ensure({ authorization: 'Bearer secret', checksum: sha256(bytes) })
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret', 'Bearer secret'])
    expect(store.requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test.each([
    ['without a target', {}, /^redirect without Location header$/],
    ['to nowhere', { location: 'http://' }, /^parse redirect "http:\/\/": /],
    ['in a circle', { location: '/data.sqlite3' }, /^max redirects \(11\) exceeded$/],
  ])('%s', async (_, headers, message) => {
    server.handle = (_, response) => response.writeHead(302, headers).end()
    await expect(ensure()).rejects.toThrow(message)
  })
})

test('the directory cannot be made', async () => {
  writeFileSync(directory.file('file'), '')
  await expect(ensure({ path: join(directory.file('file'), 'sub', 'x') })).rejects.toThrow(
    /^failed to create parent directory: /,
  )
})
