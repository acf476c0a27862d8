import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { directoryWith, QWEN3, SENTENCE_PIECE, temporaryDirectory } from '../testing/fixtures.ts'
import { sliceText } from './slices.ts'
import { HfTokenizer, type HfTokenizerOptions } from './tokenizer.ts'

vi.setConfig({ testTimeout: 120_000 })

const open: HfTokenizer[] = []
afterEach(async () => {
  for (const tokenizer of open.splice(0)) await tokenizer.close()
})
const qwen3 = await HfTokenizer.load(QWEN3, { workerThreshold: 0 })
afterAll(() => qwen3.close())

async function load(directory: string, options: HfTokenizerOptions = {}): Promise<HfTokenizer> {
  const tokenizer = await HfTokenizer.load(directory, { workerThreshold: 0, ...options })
  open.push(tokenizer)
  return tokenizer
}

/** A tokenizer whose texts cannot be cut, so that this text takes a thread for many seconds. */
const uncut = async () => load(await directoryWith({ 'tokenizer.json': SENTENCE_PIECE }))
const endless = 'hi '.repeat(2_000_000)

test('slices join to the text', () => {
  const long = fc.array(fc.constantFrom('word ', 'é', '👩', ' ', '日本', 'x'.repeat(20_000)), {
    size: 'max',
    maxLength: 40,
  })
  fc.assert(
    fc.property(long, parts => sliceText(parts.join('')).join('') === parts.join('')),
    { numRuns: 30 },
  )
})

test('a long text has the same tokens in slices as whole', async () => {
  const whole = await load(QWEN3, { workerThreshold: Number.POSITIVE_INFINITY })
  const words = [
    'The ',
    'quick brown ',
    "fox's ",
    '12 345 ',
    'naïve, ',
    '日本語 ',
    '👩‍👩‍👧 ',
    'line\n\n',
    '  two  ',
    'x-y',
  ]
  const text = Array.from({ length: 12_000 }, (_, n) => words[(n * 7919) % words.length]).join('')
  expect(sliceText(text).length).toBeGreaterThan(2)
  expect((await qwen3.encode(text)).ids).toEqual((await whole.encode(text)).ids)
})

test('marks without end are no work without end', async () => {
  const { ids } = await qwen3.encode(`a${'\u0301\u0316'.repeat(150_000)}`)
  expect(ids.length).toBeGreaterThan(150_000)
})

test('a prompt is served while another takes long, and the long one ends when its client leaves', async () => {
  const tokenizer = await uncut()
  const abort = new AbortController()
  const left = expect(tokenizer.encode(endless, {}, abort)).rejects.toThrow('left')
  expect((await tokenizer.encode('hi', { addSpecialTokens: false })).ids).toEqual([263])
  abort.abort(new Error('left'))
  await left
  expect((await tokenizer.encode('hi hi', { addSpecialTokens: false })).ids.length).toBe(2)
})

test('what was cancelled while it waited is never begun', async () => {
  const tokenizer = await uncut()
  const abort = new AbortController()
  const waiting = [1, 2, 3].map(() => expect(tokenizer.encode(endless, {}, abort)).rejects.toThrow('left'))
  abort.abort(new Error('left'))
  await Promise.all(waiting)
  await expect(tokenizer.encode('hi', {}, abort)).rejects.toThrow('left')
  expect((await tokenizer.encode('hi', { addSpecialTokens: false })).ids).toEqual([263])
})

test('a task of which the worker dies is refused, not done on this thread', async () => {
  const script = join(await temporaryDirectory(), 'worker.mjs')
  await writeFile(
    script,
    `import { parentPort } from 'node:worker_threads'
     parentPort.on('message', text => (text === 'bomb' ? process.exit(7) : parentPort.postMessage({ ids: Uint32Array.of(1) })))
     parentPort.postMessage('ready')`,
  )
  const warnings: string[] = []
  const workerScript = pathToFileURL(script)
  const small = await directoryWith({ 'tokenizer.json': SENTENCE_PIECE })
  const tokenizer = await load(small, { workerScript, onWarning: warning => warnings.push(warning) })
  await expect(tokenizer.encode('bomb')).rejects.toThrow('the tokenizer failed: it ended with status 7')
  expect(warnings).toEqual(['tokenizer worker thread failed: it ended with status 7; it is started again when needed'])
  expect((await tokenizer.encode('other', { addSpecialTokens: false })).ids).toEqual([1])
})
