import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { completion, post, ServerProcess } from './server-process.ts'

const start = fileURLToPath(new URL('../../../scripts/start.cjs', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'vllm-sim-start-'))

afterAll(() => rmSync(home, { recursive: true }))

/** Tells whether the compile cache was on before the first file, and at the end what children would inherit. */
const witness = `data:text/javascript,${encodeURIComponent(
  `import { getCompileCacheDir } from 'node:module'
   const before = getCompileCacheDir() !== undefined
   process.on('exit', () => {
     process.stderr.write(JSON.stringify({ before, after: getCompileCacheDir() !== undefined, inherited: process.env.NODE_COMPILE_CACHE ?? null }))
   })`,
)}`

interface Seen {
  readonly before: boolean
  readonly after: boolean
  readonly inherited: string | null
}

/** Starts it, to tell its version, under these flags of Node and with this home. */
async function startWith(flags: readonly string[], env: Readonly<Record<string, string>>): Promise<Seen> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(NODE_|XDG_)/.test(name))
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [...flags, '--import', witness, start, '--version'],
    { env: { ...Object.fromEntries(inherited), ...env } },
  )
  expect(stdout).toMatch(/^vllm-sim \d+\.\d+\.\d+\n$/)
  return JSON.parse(stderr.slice(stderr.indexOf('{'))) as Seen
}

test('the start has the compile cache from its first file on, and no child inherits it', async () => {
  expect(await startWith([], { HOME: home })).toEqual({ before: true, after: true, inherited: null })
})

test('a cache that the user has chosen stays theirs, also for children', async () => {
  const chosen = join(home, 'chosen')
  expect(await startWith([], { HOME: home, NODE_COMPILE_CACHE: chosen })).toEqual({
    before: true,
    after: true,
    inherited: chosen,
  })
})

test('it starts where it can neither start over nor write', async () => {
  const permitted = await startWith(['--permission', '--allow-fs-read=*'], { HOME: home })
  expect(permitted).toMatchObject({ before: false, inherited: null })
  const homeless = await startWith([], { HOME: '/dev/null', TMPDIR: '/dev/null' })
  expect(homeless).toEqual({ before: false, after: false, inherited: null })
})

test('with its defaults the server practises, and the first request finds it as new', async () => {
  const server = new ServerProcess(['--model', 'm', '--force-dummy-tokenizer', '--port', '0', '--host', '127.0.0.1'])
  const [, url] = await server.logged(/Starting vLLM server on (http:\/\/127\.0\.0\.1:\d+)/)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toMatch(/^vllm:generation_tokens_total\{[^}]*\} 0$/m)
  expect((await post(`${url}/v1/completions`, completion(3, false))).status).toBe(200)
  expect((await server.stop()).code).toBe(0)
})
