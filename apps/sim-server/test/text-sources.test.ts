import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promptHash } from '@vllm-sim/dataset'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInProcess } from './in-process.ts'
import { freePort, post, ServerProcess } from './server-process.ts'

const question = 'What is in the file?'
const answer = ['A ', 'recorded ', 'answer', '.']

let directory: string
let source: string
let site: Server
let address: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vllm-sim-text-'))
  source = join(directory, 'source.sqlite3')
  const database = new DatabaseSync(source)
  database.exec(
    'CREATE TABLE llmd (id INTEGER PRIMARY KEY, prompt_hash BLOB NOT NULL, gen_tokens JSON NOT NULL, n_gen_tokens INTEGER NOT NULL)',
  )
  database
    .prepare('INSERT INTO llmd (prompt_hash, gen_tokens, n_gen_tokens) VALUES (?, ?, ?)')
    .run(
      promptHash(new SimulatedTokenizer().encodeOutput(question).ids),
      Buffer.from(JSON.stringify({ Tokens: [1, 2, 3, 4], Strings: answer })),
      answer.length,
    )
  database.close()
  site = createServer((req, res) => {
    if (req.url === '/data.sqlite3') res.end(readFileSync(source))
    else res.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  address = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
})

afterAll(() => {
  site.close()
  rmSync(directory, { recursive: true, force: true })
})

async function complete(url: string, body: object): Promise<{ text: string; finish_reason: string }> {
  const response = await post(`${url}/v1/completions`, { model: 'm', prompt: question, ...body })
  return ((await response.json()) as { choices: [{ text: string; finish_reason: string }] }).choices[0]
}

test('a dataset is downloaded before the port opens and answers from then on', async () => {
  const path = join(directory, 'downloads', 'data.sqlite3')
  const options = ['--dataset-path', path, '--dataset-url', `${address}/data.sqlite3`]
  const { server, url } = await startInProcess(options)
  expect(server.log).toMatch(
    /Downloading the dataset.*Download completed.*Database connected.*records count"?=1.*Starting vLLM server/s,
  )
  expect(await complete(url, { max_tokens: 100 })).toMatchObject({ text: answer.join(''), finish_reason: 'stop' })
  expect(await complete(url, { max_tokens: 2 })).toMatchObject({ text: 'A recorded ', finish_reason: 'length' })
  const long = await complete(url, { max_tokens: 9, ignore_eos: true })
  expect(long).toMatchObject({ text: expect.stringMatching(/^A recorded answer\.\S/), finish_reason: 'length' })
  await server.stop()

  const again = await startInProcess([...options, '--dataset-in-memory'])
  expect(again.server.log).toContain('Dataset file already exists, should not download')
  expect(await complete(again.url, {})).toMatchObject({ text: answer.join('') })
})

test('a dataset that cannot be had or used ends the start', async () => {
  const bad = join(directory, 'bad.sqlite3')
  writeFileSync(bad, 'no database at all')
  for (const [options, text] of [
    [
      ['--dataset-path', join(directory, 'x.sqlite3'), '--dataset-url', `${address}/none`],
      'dataset download bad status: 404 Not Found',
    ],
    [['--dataset-path', bad], 'dataset initialization error: '],
    [['--dataset-path', join(directory, 'none')], 'dataset initialization error: database file does not exist: '],
  ] as const) {
    await expect(startInProcess(options)).rejects.toThrow(text)
  }
})

test('echo answers with the prompt, an encoder with exclamation marks', async () => {
  const [echo, encoder] = await Promise.all([
    startInProcess(['--mode', 'echo']),
    startInProcess(['--mm-encoder-only', '--mode', 'echo']),
  ])
  expect(await complete(echo.url, {})).toMatchObject({ text: question, finish_reason: 'stop' })
  expect(await complete(encoder.url, { max_tokens: 3 })).toMatchObject({ text: '!!!', finish_reason: 'length' })
  expect(encoder.server.log).toContain('MM encoder-only mode: ignoring echo mode')
})

test('the choice of the tokenizer is logged, and one that cannot be loaded ends the start', async () => {
  const { server } = await startInProcess()
  expect(server.log).toContain('tokenizer: simulated (--force-dummy-tokenizer is set)')
  const none = new ServerProcess([
    ...['--model', 'm', '--port', String(await freePort())],
    ...['--tokenizer-mode', 'hf', '--tokenizer', join(directory, 'no-tokenizer')],
  ])
  expect((await none.ended).code).toBe(1)
  expect(none.log).toMatch(/cannot load the tokenizer: .*no-tokenizer/)

  await expect(startInProcess(['--chat-template', join(directory, 'none.jinja')])).rejects.toThrow(
    /cannot read the chat template .*none\.jinja: ENOENT/,
  )
})
