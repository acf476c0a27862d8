import { cp, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { TokenizerChoice } from './choice.ts'
import { chooseTokenizer } from './choose.ts'
import { type FakeHub, startFakeHub } from './testing/fake-hub.ts'
import { directoryWith, ManualTimer, SENTENCE_PIECE, temporaryDirectory } from './testing/fixtures.ts'
import { startServer, type TestServer } from './testing/http-server.ts'

const servers: TestServer[] = []
const timer = new ManualTimer()
const FILES = { 'tokenizer.json': SENTENCE_PIECE }
/** An address where nothing listens: tests that must not ask the hub fail when they do. */
const NOBODY = 'http://127.0.0.1:9'

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function choose(choice: Partial<TokenizerChoice>) {
  const cacheDirectory = await temporaryDirectory()
  const environment = { HF_ENDPOINT: NOBODY, HF_HOME: cacheDirectory }
  const { tokenizer, reason } = await chooseTokenizer({
    model: 'org/model',
    cacheDirectory,
    environment,
    startTimer: timer.start,
    ...choice,
  })
  return { kind: tokenizer.kind, reason, tokenizer }
}

async function startHub(settings: Partial<FakeHub> = {}): Promise<TestServer> {
  const { hub, content } = await startFakeHub({
    files: { 'tokenizer.json': JSON.stringify(SENTENCE_PIECE) },
    ...settings,
  })
  servers.push(hub, content)
  return hub
}

/** A cache in the layout of huggingface_hub with the tiny tokenizer as `org/model`. */
async function hubCache(): Promise<string> {
  const cache = await temporaryDirectory()
  const folder = join(cache, 'models--org--model')
  await mkdir(join(folder, 'snapshots'), { recursive: true })
  await rename(await directoryWith(FILES), join(folder, 'snapshots', 'abc'))
  await cp(await directoryWith({ main: 'abc' }), join(folder, 'refs'), { recursive: true })
  return cache
}

describe('chooseTokenizer', () => {
  it('takes the simulated tokenizer when told to', async () => {
    expect(await choose({ mode: 'hf', forceSimulated: true })).toMatchObject({
      kind: 'simulated',
      reason: 'tokenizer: simulated (--force-dummy-tokenizer is set)',
    })
    expect(await choose({ mode: 'simulated' })).toMatchObject({ kind: 'simulated' })
  })

  it('takes the files of a directory, the model or the tokenizer', async () => {
    const directory = await directoryWith(FILES)
    const expected = { kind: 'hf', reason: expect.stringContaining(`in process from ${directory}`) }
    expect(await choose({ model: directory })).toMatchObject(expected)
    expect(await choose({ tokenizer: directory })).toMatchObject(expected)
    expect(await choose({ mode: 'hf', tokenizer: directory })).toMatchObject(expected)
  })

  it('takes the files of a cache', async () => {
    const cache = await hubCache()
    const expected = { kind: 'hf', reason: expect.stringContaining('in the cache') }
    expect(await choose({ cacheDirectory: cache })).toMatchObject(expected)
    expect(await choose({ environment: { HF_HUB_CACHE: cache } })).toMatchObject(expected)
    expect(await choose({ environment: { HF_HUB_CACHE: cache }, mode: 'hf' })).toMatchObject({ kind: 'hf' })
    const other = { environment: { HF_HUB_CACHE: cache, HF_ENDPOINT: NOBODY }, revision: 'v2' }
    expect(await choose(other)).toMatchObject({ kind: 'simulated' })
  })

  it('asks the hub and downloads', async () => {
    const hub = await startHub()
    const environment = { HF_ENDPOINT: hub.url, HF_TOKEN: 'secret' }
    const { kind, reason, tokenizer } = await choose({ environment })
    expect({ kind, reason }).toEqual({ kind: 'hf', reason: expect.stringContaining('the hub knows org/model') })
    expect((await tokenizer.encode('hi')).ids).toEqual([1, 263])
    expect(hub.requests[0]).toMatchObject({ url: '/api/models/org/model', headers: { authorization: 'Bearer secret' } })
  })

  it('is simulated when the hub does not know the model, cannot be reached or has no usable files', async () => {
    const hub = await startHub({ files: {} })
    const environment = { HF_ENDPOINT: hub.url, HF_TOKEN: 'x' }
    expect(await choose({ environment, model: 'made/up' })).toMatchObject({
      kind: 'simulated',
      reason: 'tokenizer: simulated (the hub answered 404 for made/up)',
    })
    expect(await choose({ environment })).toMatchObject({
      kind: 'simulated',
      reason: expect.stringContaining('org/model has no tokenizer.json'),
    })
    expect(await choose({})).toMatchObject({ kind: 'simulated', reason: expect.stringContaining('ECONNREFUSED') })
  })

  it('takes no made-up tokenizer for one that was asked for by a path', async () => {
    await expect(choose({ tokenizer: '/no/such/directory' })).rejects.toThrow(
      '/no/such/directory is neither a directory with tokenizer.json nor a name on the hub',
    )
  })

  it('does not ask the hub when offline, or for what is no name', async () => {
    const offline = { HF_HUB_OFFLINE: '1', HF_ENDPOINT: NOBODY, HF_HOME: await temporaryDirectory() }
    expect(await choose({ environment: offline })).toMatchObject({
      kind: 'simulated',
      reason: expect.stringContaining('HF_HUB_OFFLINE is set'),
    })
    expect(await choose({ model: '/no/such/directory' })).toMatchObject({
      kind: 'simulated',
      reason: expect.stringContaining('neither a directory with tokenizer.json nor a name'),
    })
  })

  it('asks the hub about a name without an owner only when that was allowed', async () => {
    const asked: string[] = []
    const hub = await startServer((req, res) => {
      asked.push(req.url!)
      res.writeHead(404).end()
    })
    servers.push(hub)
    const environment = { HF_ENDPOINT: hub.url, HF_TOKEN: 'x' }
    expect(await choose({ environment, model: 'my-model' })).toMatchObject({
      kind: 'simulated',
      reason: expect.stringContaining('--allow-hub'),
    })
    expect(asked).toEqual([])
    await choose({ environment, model: 'my-model', allowHub: true })
    expect(asked).toEqual(['/api/models/my-model'])
  })

  it('does not wait for a hub that never answers', async () => {
    const silent = await startServer(() => timer.fire())
    servers.push(silent)
    expect(await choose({ environment: { HF_ENDPOINT: silent.url, HF_TOKEN: 'x' } })).toMatchObject({
      kind: 'simulated',
      reason: expect.stringMatching(/could not be asked \(no .*answer within 1000 ms\)/),
    })
  })

  it('takes a render service only if one was given and the model is real', async () => {
    const hub = await startHub()
    const environment = { HF_ENDPOINT: hub.url, HF_TOKEN: 'x' }
    const renderUrl = 'http://127.0.0.1:9'
    expect(await choose({ environment, renderUrl })).toMatchObject({ kind: 'render' })
    expect(await choose({ environment, renderUrl, model: 'made/up' })).toMatchObject({ kind: 'simulated' })
    const directory = await directoryWith(FILES)
    const local = await choose({ renderUrl, model: directory })
    expect(local).toMatchObject({ kind: 'render', reason: expect.stringContaining(`text from ${directory}`) })
    expect(local.tokenizer.encodeOutput('hi').ids).toEqual([263])
    expect(await choose({ mode: 'render' })).toMatchObject({
      kind: 'render',
      reason: expect.stringContaining('http://localhost:8082'),
    })
  })

  it('fails in the mode hf when nothing can be had, and when a named directory is broken', async () => {
    await expect(choose({ mode: 'hf' })).rejects.toThrow(/cannot fetch the tokenizer of org\/model/)
    const offline = { HF_HUB_OFFLINE: 'true', HF_HOME: '/nonexistent' }
    await expect(choose({ mode: 'hf', environment: offline })).rejects.toThrow(/HF_HUB_OFFLINE forbids/)
    await expect(choose({ mode: 'hf', model: '/no/such' })).rejects.toThrow(
      /neither a directory .* nor a name on the hub/,
    )
    const broken = await directoryWith({ 'tokenizer.json': '{' })
    await expect(choose({ model: broken })).rejects.toThrow(/not valid JSON/)
  })
})
