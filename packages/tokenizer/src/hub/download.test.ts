import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type FakeHub, startFakeHub } from '../testing/fake-hub.ts'
import { ManualTimer, temporaryDirectory } from '../testing/fixtures.ts'
import { startServer, type TestServer } from '../testing/http-server.ts'
import { type DownloadProgress, downloadTokenizer } from './download.ts'
import { findInCache } from './locate.ts'

const FILES = { 'tokenizer.json': `{"big": "${'x'.repeat(100_000)}"}`, 'tokenizer_config.json': '{"small": true}' }
const servers: TestServer[] = []
const timer = new ManualTimer()

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function start(settings: Partial<FakeHub> = {}) {
  const both = await startFakeHub({ files: FILES, large: ['tokenizer.json'], ...settings })
  servers.push(both.hub, both.content)
  const cacheDirectory = await temporaryDirectory()
  const fetch = (environment: Record<string, string> = {}, onProgress?: (progress: DownloadProgress) => void) =>
    downloadTokenizer({
      model: 'org/model',
      cacheDirectory,
      environment: { HF_ENDPOINT: `${both.hub.url}/`, HF_TOKEN_PATH: '/nonexistent', ...environment },
      startTimer: timer.start,
      onProgress,
    })
  return { ...both, cacheDirectory, fetch }
}

describe('downloadTokenizer', () => {
  it('puts the files where a hub cache has them and reports progress', async () => {
    const { fetch, cacheDirectory } = await start()
    const progress: DownloadProgress[] = []
    const directory = await fetch({}, event => progress.push(event))
    expect(await readFile(join(directory, 'tokenizer.json'), 'utf8')).toBe(FILES['tokenizer.json'])
    expect(await readFile(join(directory, 'tokenizer_config.json'), 'utf8')).toBe(FILES['tokenizer_config.json'])
    expect(await findInCache(cacheDirectory, 'org/model')).toBe(directory)
    const size = FILES['tokenizer.json'].length
    expect(progress.at(-1)).toEqual({ file: 'tokenizer.json', receivedBytes: size, totalBytes: size })
    expect(timer.waiting).toBe(0)
  })

  it('sends the token to the hub and not to the content network', async () => {
    const { fetch, hub, content } = await start({ token: 'secret' })
    await fetch({ HF_TOKEN: 'secret' })
    expect(hub.requests.every(request => request.headers.authorization === 'Bearer secret')).toBe(true)
    expect(content.requests).toHaveLength(1)
    expect(content.requests[0]!.headers.authorization).toBeUndefined()
  })

  it('goes on where a broken connection ended', async () => {
    const { fetch, content } = await start({ breakAfter: 30_000 })
    await expect(fetch()).rejects.toMatchObject({ code: 'network' })
    const directory = await fetch()
    expect(await readFile(join(directory, 'tokenizer.json'), 'utf8')).toBe(FILES['tokenizer.json'])
    expect(content.requests.map(request => request.headers.range)).toEqual([undefined, 'bytes=30000-'])
  })

  it('refuses damaged content, and fetches it anew the next time', async () => {
    const settings: FakeHub = {
      files: FILES,
      large: ['tokenizer.json'],
      corrupt: 'y'.repeat(FILES['tokenizer.json'].length),
    }
    const both = await startFakeHub(settings)
    servers.push(both.hub, both.content)
    const cacheDirectory = await temporaryDirectory()
    const environment = { HF_ENDPOINT: both.hub.url, HF_TOKEN: 'x' }
    const options = { model: 'org/model', cacheDirectory, environment, startTimer: timer.start }
    await expect(downloadTokenizer(options)).rejects.toThrow('tokenizer.json arrived damaged')
    expect(await findInCache(cacheDirectory, 'org/model')).toBeUndefined()
    delete settings.corrupt
    expect(await findInCache(cacheDirectory, 'org/model')).toBe(undefined)
    const directory = await downloadTokenizer(options)
    expect(await readFile(join(directory, 'tokenizer.json'), 'utf8')).toBe(FILES['tokenizer.json'])
  })

  it('lets several processes fetch at once', async () => {
    const { fetch } = await start()
    const directories = await Promise.all([fetch(), fetch(), fetch()])
    expect(new Set(directories).size).toBe(1)
    expect(await readFile(join(directories[0]!, 'tokenizer.json'), 'utf8')).toBe(FILES['tokenizer.json'])
  })

  it('does not fetch what is there', async () => {
    const { fetch, content } = await start()
    const directory = await fetch()
    await fetch()
    expect(content.requests).toHaveLength(1)
    await writeFile(join(directory, 'tokenizer.json'), 'truncated')
    await fetch()
    expect(await readFile(join(directory, 'tokenizer.json'), 'utf8')).toBe(FILES['tokenizer.json'])
    await rm(directory, { recursive: true })
  })

  it.each([
    [
      'a wrong token',
      { token: 'secret' },
      { HF_TOKEN: 'wrong' },
      'unauthorized',
      /refuses HF_TOKEN .* wrong or expired/,
    ],
    ['no token', { token: 'secret' }, {}, 'unauthorized', /asks for a token .* set HF_TOKEN/],
    ['a gated model', { token: 's', gated: true }, {}, 'unauthorized', /gated and HF_TOKEN is not set/],
    ['a missing file', { files: {} }, {}, 'not_found', /has no tokenizer\.json/],
  ] as const)('says what to do about %s', async (_name, settings, environment, code, text) => {
    const { fetch } = await start(settings as Partial<FakeHub>)
    await expect(fetch(environment)).rejects.toMatchObject({ code, message: expect.stringMatching(text) })
    await expect(fetch(environment)).rejects.toThrow(/--tokenizer DIR .*--tokenizer-mode simulated/)
  })

  it('says that a repository does not exist', async () => {
    const { hub, cacheDirectory } = await start()
    const environment = { HF_ENDPOINT: hub.url }
    const options = { model: 'org/other', cacheDirectory, environment, startTimer: timer.start }
    await expect(downloadTokenizer(options)).rejects.toThrow(/org\/other does not exist on the hub/)
  })

  it('says that there is no network', async () => {
    const { fetch, hub } = await start()
    await hub.close()
    await expect(fetch()).rejects.toThrow(
      /cannot fetch the tokenizer of org\/model .*ECONNREFUSED.*HTTPS_PROXY.*--tokenizer DIR/,
    )
  })

  it('gives up on a server that falls silent', async () => {
    const silent = await startServer(() => timer.fire())
    servers.push(silent)
    const options = { model: 'org/model', cacheDirectory: await temporaryDirectory(), startTimer: timer.start }
    const download = downloadTokenizer({ ...options, environment: { HF_ENDPOINT: silent.url } })
    await expect(download).rejects.toThrow('no answer within 10000 ms')
  })

  it('goes through a proxy', async () => {
    const { hub, cacheDirectory } = await start()
    const proxy = await startServer((request, response) => {
      // A proxy gets the whole address; this one answers on its own.
      response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end(request.url)
    })
    servers.push(proxy)
    const environment = { HF_ENDPOINT: 'http://hub.invalid', HTTP_PROXY: proxy.url }
    const options = { model: 'org/model', cacheDirectory, environment, startTimer: timer.start }
    await expect(downloadTokenizer(options)).rejects.toThrow(/does not exist on the hub/)
    expect(proxy.requests[0]!.url).toBe('http://hub.invalid/org/model/resolve/main/tokenizer_config.json')
    expect(hub.requests).toEqual([])
  })
})
