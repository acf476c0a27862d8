import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { serveBytes, startServer } from '@vllm-sim/download/testing'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { openDataset } from '../open.ts'
import { fixtureConversations, manyConversations } from '../testing/conversations.ts'
import { seeded, temporaryDirectory } from '../testing/fixtures.ts'

const program = fileURLToPath(new URL('./vllm-sim-dataset.ts', import.meta.url))
let directory: ReturnType<typeof temporaryDirectory>

beforeEach(() => {
  directory = temporaryDirectory()
  writeFileSync(directory.file('in.json'), JSON.stringify(fixtureConversations))
  return () => directory[Symbol.dispose]()
})

interface Result {
  code: number
  stdout: string
  stderr: string
}

function run(args: string[], env: Record<string, string> = {}): Promise<Result> {
  return new Promise(resolve => {
    const { PATH, NODE_COMPILE_CACHE } = process.env
    const options = { cwd: directory.path, env: { PATH, NODE_COMPILE_CACHE, ...env } }
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })
}

const local = ['--model', 'm', '--force-dummy-tokenizer', '--local-path', '.', '--input-file', 'in.json']

test('makes a dataset that answers, and reports', async () => {
  const { code, stdout, stderr } = await run([...local, '--output-path', 'new/directory', '--table-name', 'mine'])
  expect(stderr).toContain('tokenizer: simulated (--force-dummy-tokenizer is set)')
  expect(stdout).toBe(`2 source records gave 6 answers of 6.0 tokens on average
  new/directory/inference-sim-dataset.sqlite3
  new/directory/inference-sim-dataset.json
  new/directory/inference-sim-dataset.md
Use it: vllm-sim --model m --dataset-path new/directory/inference-sim-dataset.sqlite3 --dataset-table-name "mine"
`)
  expect(code).toBe(0)
  using dataset = await openDataset({
    path: directory.file('new/directory/inference-sim-dataset.sqlite3'),
    table: 'mine',
  })
  const { ids } = new SimulatedTokenizer().encode('Hello world again')
  expect(dataset.answer(ids, 100, false, seeded(1)).pieces.join('')).toBe('short response')
  const again = await run([...local, '--output-path', 'new/directory', '--table-name', 'mine'])
  expect(again.code).toBe(1)
  expect(again.stderr).toContain('output file already exists: new/directory/inference-sim-dataset.sqlite3')
})

test('exit status: 0 for help, 2 for a wrong command line, 1 for a failure', async () => {
  const asked = await run(['--help'])
  expect(asked).toMatchObject({ code: 0, stderr: '' })
  expect(asked.stdout).toContain('Usage: vllm-sim-dataset')
  const wrong = await run(['--local-path', 'x'])
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
  expect(wrong.stderr).toMatch(/^invalid configuration: --model is not defined\n/)
  writeFileSync(directory.file('in.json'), '{"conversations"')
  const failed = await run(local)
  expect(failed.code).toBe(1)
  expect(failed.stderr).toMatch(/vllm-sim-dataset: unmarshal: unexpected end of JSON input/)
})

test('downloads from a hub, with the token, and leaves no copy of the source', async () => {
  await using hub = await startServer(serveBytes(readFileSync(directory.file('in.json'))))
  const args = [
    '--model',
    'm',
    '--force-dummy-tokenizer',
    '--hf-repo',
    'someone/talks',
    '--input-file',
    'data/a b.json',
  ]
  const { code } = await run(args, { HF_ENDPOINT: hub.url, HF_TOKEN: 'hf_x' })
  expect(code).toBe(0)
  expect(hub.requests[0]!.url).toBe('/datasets/someone/talks/resolve/main/data/a%20b.json')
  expect(hub.requests[0]!.headers.authorization).toBe('Bearer hf_x')
  expect(readFileSync(directory.file('inference-sim-dataset.md'), 'utf8')).toContain(
    '[someone/talks](https://huggingface.co/datasets/someone/talks), file data/a b.json, revision main',
  )
  expect(readdirSync(directory.path).filter(name => name.includes('source'))).toEqual([])
})

test('what the hub refuses is told with the way out', async () => {
  await using hub = await startServer((_, response) => response.writeHead(401).end())
  const args = ['--model', 'm', '--force-dummy-tokenizer', '--hf-repo', 'someone/talks', '--input-file', 'a.json']
  const denied = await run(args, { HF_ENDPOINT: hub.url })
  expect(denied.stderr).toContain(
    'unexpected status 401 Unauthorized: someone/talks is private, gated or missing; set HF_TOKEN',
  )
  expect(denied.code).toBe(1)
  hub.handle = (_, response) => response.writeHead(302, { location: '/again' }).end()
  expect((await run(args, { HF_ENDPOINT: hub.url })).stderr).toContain('max redirects (5) exceeded')
  expect(hub.requests).toHaveLength(6)
})

test('interrupted, it keeps its work, says so, and goes on next time', async () => {
  writeFileSync(directory.file('in.json'), JSON.stringify(manyConversations(20_000)))
  const args = [...local, '--max-records', '20000']
  const child: ChildProcess = spawn(process.execPath, [program, ...args], { cwd: directory.path })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr!.setEncoding('utf8').on('data', text => {
    stderr += text
    if (/[1-5]\d %/.test(text)) child.kill('SIGINT')
  })
  const [code] = await once(child, 'close')
  expect(stderr).toContain('operation cancelled: interrupted by SIGINT; the same command goes on from here')
  expect(code).toBe(1)
  expect(existsSync(directory.file('inference-sim-dataset.sqlite3'))).toBe(false)
  const again = await run(args)
  expect(again.stderr).toMatch(/continuing after record [1-9]/)
  expect(again.stdout).toContain('20000 source records gave 40000 answers')
})
