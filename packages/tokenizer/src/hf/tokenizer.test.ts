import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { directoryWith, QWEN3, SENTENCE_PIECE } from '../testing/fixtures.ts'
import type { ChatMessage } from '../types.ts'
import { HfTokenizer } from './tokenizer.ts'

const qwen3 = await HfTokenizer.load(QWEN3)
const inWorker = await HfTokenizer.load(QWEN3, { workerThreshold: 0, cacheCharacters: 0 })
/** One that loads at once, where it does not matter which. */
const small = await directoryWith({ 'tokenizer.json': SENTENCE_PIECE })
const uncached = await HfTokenizer.load(QWEN3, { workerThreshold: Number.POSITIVE_INFINITY, cacheCharacters: 0 })

afterAll(async () => {
  await inWorker.close()
  await qwen3.close()
})

const NUMBERS = '1, 2, 3, 4, 5, 6, 7, 8, 9, 10'
const HELLO_CHAT = [151644, 872, 198, 9707, 1879, 0, 151645, 198, 151644, 77091, 198, 151667, 271, 151668, 271]
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '<|im_start|>',
        '<|im_end|>',
        '<think>',
        '👋🏽',
        ' ',
        '\n',
        'hello',
        '日本',
        '\ud83d',
        'é',
        '\u0eba',
      ),
      {
        maxLength: 20,
      },
    )
    .map(parts => parts.join('')),
)

describe('Qwen3', () => {
  it.each([
    ['Hello world!', [9707, 1879, 0]],
    ['Hello world again', [9707, 1879, 1549]],
    ['human q1', [25312, 2804, 16]],
    ['gpt a1', [70, 417, 264, 16]],
    ['Hello human!', [9707, 3738, 0]],
    ['short response', [8676, 2033]],
    ['Hi 👋🏽!', [13048, 61804, 233, 145375, 0]],
    ['', []],
  ])('encodes %j', async (text, ids) => {
    expect((await qwen3.encode(text)).ids).toEqual(ids)
    expect(qwen3.encodeOutput(text).ids).toEqual(ids)
    expect((await inWorker.encode(text)).ids).toEqual(ids)
  })

  it('encodes numbers digit by digit', async () => {
    const { ids } = await qwen3.encode(NUMBERS)
    expect(ids).toHaveLength(29)
    expect(ids.slice(0, 7)).toEqual([16, 11, 220, 17, 11, 220, 18])
    expect(ids.slice(-5)).toEqual([24, 11, 220, 16, 15])
  })

  it('renders chats', async () => {
    const messages: ChatMessage[] = [{ role: 'user', content: 'Hello world!' }]
    const plain = await qwen3.encodeChat({ messages })
    expect(plain.text).toBe('<|im_start|>user\nHello world!<|im_end|>\n<|im_start|>assistant\n')
    expect(plain.ids).toEqual(HELLO_CHAT.slice(0, 11))
    const chatTemplateKwargs = { enable_thinking: false }
    expect((await qwen3.encodeChat({ messages, chatTemplateKwargs })).ids).toEqual(HELLO_CHAT)
    expect((await qwen3.encodeChat({ messages, addGenerationPrompt: false })).ids).toEqual(HELLO_CHAT.slice(0, 8))
  })

  it('renders the conversations of the dataset fixture', async () => {
    const chatTemplateKwargs = { enable_thinking: false }
    const count = async (messages: ChatMessage[]) =>
      (await qwen3.encodeChat({ messages, chatTemplateKwargs })).ids.length
    const answer = 'this is assistant long response, it should contain at least 10 tokens'
    expect(await count([{ role: 'user', content: NUMBERS }])).toBe(41)
    const turns: ChatMessage[] = [
      { role: 'user', content: 'Hello world!' },
      { role: 'assistant', content: answer },
      { role: 'user', content: 'Hello world again' },
    ]
    expect(await count(turns)).toBe(43)
    expect(qwen3.encodeOutput(answer).ids).toEqual([
      574, 374, 17847, 1293, 2033, 11, 432, 1265, 6644, 518, 3245, 220, 16, 15, 11211,
    ])
  })

  it('never cuts a character in pieces', async () => {
    expect((await qwen3.encode('Hi 👋🏽!')).pieces).toEqual(['Hi', ' ', '👋', '🏽', '!'])
    const detokenizer = qwen3.detokenizer()
    expect([13048, 61804].map(id => detokenizer.push(id))).toEqual(['Hi', ' '])
    expect(detokenizer.flush()).toBe('\ufffd')
  })

  it('gives offsets when asked', async () => {
    expect((await qwen3.encode('Hi 👋🏽!', { offsets: true })).offsets).toEqual([
      [0, 2],
      [2, 5],
      [3, 5],
      [5, 7],
      [7, 8],
    ])
    expect((await qwen3.encode('Hi')).offsets).toBeUndefined()
    // NFC changes this text, so there is nothing to point at.
    expect((await qwen3.encode('e\u0301', { offsets: true })).offsets).toBeUndefined()
  })

  it('knows its vocabulary', () => {
    expect(qwen3.vocabularySize).toBe(151_669)
    expect(qwen3.eosTokenIds).toEqual([151645])
    expect(qwen3.bosTokenId).toBeUndefined()
    expect(qwen3.tokenString(1879)).toBe('Ġworld')
    expect(qwen3.tokenString(999_999)).toBeUndefined()
    expect(qwen3.decode([151644, 9707, 151645])).toBe('<|im_start|>Hello<|im_end|>')
    expect(qwen3.decode([151644, 9707, 151645], { skipSpecialTokens: true })).toBe('Hello')
    expect(qwen3.decode([])).toBe('')
  })

  it('has pieces that join to the text, whole and streamed, here and in the worker, cached or not', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async text => {
        const { ids, pieces } = await qwen3.encode(text)
        const detokenizer = qwen3.detokenizer()
        const streamed = ids.map(id => detokenizer.push(id)).join('') + detokenizer.flush()
        expect(pieces).toHaveLength(ids.length)
        expect(pieces.join('')).toBe(qwen3.decode(ids))
        expect(streamed).toBe(qwen3.decode(ids))
        expect((await uncached.encode(text)).ids).toEqual(ids)
        expect((await inWorker.encode(text)).ids).toEqual(ids)
        if (/^[\x20-\x7e]*$/.test(text)) expect(pieces.join('')).toBe(text)
      }),
      { numRuns: process.env['FULL'] ? 300 : 60 },
    )
  })

  it('answers at once for short and known texts, and leaves long ones to the worker', async () => {
    const long = 'The quick brown fox jumps over the lazy dog. '.repeat(100)
    expect(qwen3.encode('short')).not.toBeInstanceOf(Promise)
    const first = qwen3.encode(long)
    expect(first).toBeInstanceOf(Promise)
    const { ids } = await first
    expect(ids).toEqual(qwen3.encodeOutput(long).ids)
    const again = qwen3.encode(long)
    expect(again).not.toBeInstanceOf(Promise)
    const longer = qwen3.encodeChat({ messages: [{ role: 'user', content: long }] })
    expect(longer).toBeInstanceOf(Promise)
    await longer
  })

  it('renders very long conversations in the worker', async () => {
    const messages = Array.from({ length: 300 }, (_, turn): ChatMessage => {
      return { role: turn % 2 ? 'assistant' : 'user', content: `turn ${turn}` }
    })
    const encoding = qwen3.encodeChat({ messages })
    expect(encoding).toBeInstanceOf(Promise)
    const expected = await uncached.encodeChat({ messages })
    expect(await encoding).toMatchObject({ text: expected.text, ids: expected.ids })
    const chatTemplate = '{{ raise_exception("too many") }}'
    const refusal = Promise.resolve(qwen3.encodeChat({ messages, chatTemplate }))
    await expect(refusal).rejects.toMatchObject({ status: 400, message: 'too many' })
    // The model's own template may count to a number of the request's.
    const counting = await HfTokenizer.load(small, { chatTemplate: '{% for i in range(n) %}{% endfor %}{{ n }}' })
    const few = messages.slice(0, 1)
    const count = async (n: number) => counting.encodeChat({ messages: few, chatTemplateKwargs: { n } })
    expect((await count(7)).text).toBe('7')
    await expect(count(1_000_000_000)).rejects.toMatchObject({ status: 400 })
    await counting.close()
  })

  it('encodes here when the worker cannot be started, and says so', async () => {
    const warnings: string[] = []
    const workerScript = new URL('file:///nonexistent/worker.js')
    const tokenizer = await HfTokenizer.load(small, {
      workerScript,
      workerThreshold: 0,
      onWarning: text => warnings.push(text),
    })
    for (const text of ['hi', 'hi hi', 'h', 'i']) {
      expect((await tokenizer.encode(text, { addSpecialTokens: false })).ids).toEqual(tokenizer.encodeOutput(text).ids)
    }
    expect(warnings).toHaveLength(3)
    expect(warnings[0]).toMatch(/worker thread failed: .*started again/)
    expect(warnings[2]).toMatch(/not started again/)
    await tokenizer.close()
  })

  it('rejects what is under way when it is closed', async () => {
    const tokenizer = await HfTokenizer.load(small, { workerThreshold: 0 })
    const encoding = Promise.resolve(tokenizer.encode('Hello'))
    const failure = expect(encoding).rejects.toThrow('the tokenizer was closed')
    await tokenizer.close()
    await failure
    await expect(Promise.resolve(tokenizer.encode('again'))).rejects.toThrow('the tokenizer was closed')
  })

  it('makes up features of media', async () => {
    const image = { type: 'image_url', image_url: { url: 'http://x/a.jpg' } }
    const { ids, features } = await qwen3.encodeChat({ messages: [{ role: 'user', content: [image] }] })
    expect(features?.mmHashes).toEqual({ image: ['sim_img_0_98463ad0'] })
    expect(features?.mmPlaceholders).toEqual({ image: [{ offset: 0, length: ids.length }] })
  })
})

describe('a SentencePiece tokenizer', async () => {
  const tokenizer = await HfTokenizer.load(
    await directoryWith({
      'tokenizer.json': SENTENCE_PIECE,
      'tokenizer_config.json': { bos_token: '<s>', eos_token: { content: '</s>' } },
    }),
  )

  it('puts BOS before prompts, not before answers', async () => {
    expect((await tokenizer.encode('hi')).ids).toEqual([1, 263])
    expect((await tokenizer.encode('hi', { addSpecialTokens: false })).ids).toEqual([263])
    expect((await tokenizer.encode('')).ids).toEqual([1])
    expect(tokenizer.encodeOutput('hi').ids).toEqual([263])
    expect(tokenizer.bosTokenId).toBe(1)
    expect(tokenizer.eosTokenIds).toEqual([2])
  })

  it('drops the space that it added and puts bytes together', async () => {
    expect(tokenizer.encodeOutput('hi hi!').pieces).toEqual(['hi', ' hi', '!'])
    expect(tokenizer.encodeOutput('é').pieces.join('')).toBe('é')
    expect(tokenizer.encodeOutput('a👋').pieces).toEqual(['', 'a', '', '', '', '👋'])
    const { offsets } = await tokenizer.encode('hi 👋', { offsets: true })
    expect(offsets).toEqual([
      [0, 0],
      [0, 2],
      [2, 3],
      [3, 5],
      [3, 5],
      [3, 5],
      [3, 5],
    ])
  })

  it('writes chats without a template as the simulated tokenizer does, and warns once', async () => {
    const warnings: string[] = []
    const directory = await directoryWith({ 'tokenizer.json': SENTENCE_PIECE })
    const bare = await HfTokenizer.load(directory, { onWarning: text => warnings.push(text) })
    const messages: ChatMessage[] = [{ role: 'user', content: 'hi' }]
    expect((await bare.encodeChat({ messages })).text).toBe('### user: hi\n')
    await bare.encodeChat({ messages })
    expect(warnings).toEqual([expect.stringContaining('no chat template')])
    const chatTemplate = '{{ messages[0].content }}'
    expect((await bare.encodeChat({ messages, chatTemplate })).text).toBe('hi')
  })

  it('adds the BOS that only the config of a Llama class asks for', async () => {
    const config = { tokenizer_class: 'LlamaTokenizerFast', add_bos_token: true, bos_token: '<s>' }
    const files = { 'tokenizer.json': { ...SENTENCE_PIECE, post_processor: null }, 'tokenizer_config.json': config }
    const llama = await HfTokenizer.load(await directoryWith(files))
    expect((await llama.encode('hi')).ids).toEqual([1, 263])
    expect((await llama.encode('hi', { addSpecialTokens: false })).ids).toEqual([263])
  })

  it('takes the template of a file before that of the config', async () => {
    const files = {
      'tokenizer.json': SENTENCE_PIECE,
      'tokenizer_config.json': { chat_template: 'config' },
      'chat_template.jinja': 'file',
    }
    const templated = await HfTokenizer.load(await directoryWith(files))
    expect((await templated.encodeChat({ messages: [{ role: 'user', content: 'x' }] })).text).toBe('file')
  })
})

describe('broken files', () => {
  it.each([
    [{}, /has no tokenizer\.json; .*--tokenizer/],
    [{ 'tokenizer.json': '{"model":' }, /tokenizer\.json is not valid JSON .*damaged/],
    [{ 'tokenizer.json': '[]' }, /tokenizer\.json is not valid JSON .*not an object/],
    [{ 'tokenizer.json': { model: { type: 'WordLevel', vocab: {} } } }, /cannot be used: .*--tokenizer-mode/],
    [{ 'tokenizer.json': SENTENCE_PIECE, 'tokenizer_config.json': 'no' }, /tokenizer_config\.json is not valid JSON/],
  ])('are named: %#', async (files, text) => {
    const directory = await directoryWith(files)
    await expect(HfTokenizer.load(directory)).rejects.toMatchObject({
      code: 'files',
      message: expect.stringMatching(text),
    })
  })
})

it('decodes a long list of ids with pauses, to the text that it has at once, and ends when nobody wants it', async () => {
  let pauses = 0
  const abort = new AbortController()
  const paused = await HfTokenizer.load(small, { pause: async () => void pauses++ })
  const atOnce = await HfTokenizer.load(small)
  const ids = Array.from({ length: 100_000 }, (_, i) => i % (paused.vocabularySize + 1))
  expect(await paused.decode(ids)).toBe(atOnce.decode(ids))
  expect(pauses).toBeGreaterThan(2)
  expect(await paused.decode(ids, { skipSpecialTokens: true })).toBe(atOnce.decode(ids, { skipSpecialTokens: true }))
  expect(paused.decode(ids.slice(0, 100))).toBe(atOnce.decode(ids.slice(0, 100)))
  const decoding = paused.decode(ids, {}, abort)
  abort.abort(new Error('left'))
  await expect(decoding).rejects.toThrow('left')
})
