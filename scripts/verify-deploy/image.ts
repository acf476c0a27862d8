import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { root } from '../deploy/objects.ts'
import { attempt, cache, onPath, run, Skipped } from './tools.ts'

const bases = { build: 'localhost/vllm-sim-verify/build:1', run: 'localhost/vllm-sim-verify/run:1' }

/** Images are made where no registry of images is: the bases are put together from Debian's packages. */
function makeBases(): void {
  onPath('buildah')
  onPath('mmdebstrap')
  if (process.getuid?.() !== 0) throw new Skipped('buildah needs root here')
  const images = run('buildah', ['images', '--format', '{{.Name}}:{{.Tag}}'])
  if (images.includes(bases.build) && images.includes(bases.run)) return
  mkdirSync(cache, { recursive: true })
  // What distroless has.
  const small = ['base-files', 'ca-certificates', 'libc6', 'libgcc-s1', 'libstdc++6', 'tzdata', 'netbase']
  makeImage(bases.run, ['--variant=extract', `--include=${small.join()}`], ['--user', '65532:65532'])
  const large = ['ca-certificates', 'libstdc++6', 'libatomic1']
  const node = nodeFiles()
  // A network that looks into TLS has a certificate of its own.
  const certificates = process.env['NODE_EXTRA_CA_CERTS']
  if (certificates) cpSync(certificates, path.join(node, 'etc/extra-ca.pem'), { dereference: true })
  const env = certificates ? ['--env', 'NODE_EXTRA_CA_CERTS=/etc/extra-ca.pem'] : []
  makeImage(bases.build, ['--variant=minbase', `--include=${large.join()}`], env, node)
  rmSync(node, { recursive: true })
}

function makeImage(name: string, debian: readonly string[], config: readonly string[], folder?: string): void {
  const archive = path.join(cache, 'base.tar')
  run('mmdebstrap', [...debian, 'bookworm', archive])
  const container = run('buildah', ['from', 'scratch']).trim()
  run('buildah', ['add', '--quiet', container, archive, '/'])
  if (folder) run('buildah', ['add', '--quiet', container, folder, '/'])
  if (config.length > 0) run('buildah', ['config', ...config, container])
  run('buildah', ['commit', '--quiet', '--rm', container, name])
  rmSync(archive)
}

/** The Node of this project with npm, laid out as in the image of the same name. */
function nodeFiles(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-node-'))
  const lib = path.join(folder, 'usr/local/lib/node_modules')
  const programs = path.join(folder, 'usr/local/bin')
  for (const one of [lib, programs, path.join(folder, 'etc')]) mkdirSync(one, { recursive: true })
  cpSync(process.execPath, path.join(programs, 'node'), { dereference: true })
  run('npm', ['pack', 'npm@11', '--silent', '--pack-destination', folder])
  run('sh', ['-c', 'tar xzf npm-*.tgz && rm npm-*.tgz && mv package usr/local/lib/node_modules/npm'], { cwd: folder })
  for (const name of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(programs, name))
  }
  return folder
}

/** Builds a target of the Dockerfile. @returns the image's name and its size, MB unpacked and compressed */
export function buildImage(target: string): { image: string; unpacked: number; compressed: number } {
  makeBases()
  const image = `localhost/vllm-sim-verify/${target}:1`
  run('buildah', [
    ...['bud', '--isolation', 'chroot', '--pull-never', '--network', 'host', '--format', 'docker'],
    ...['--build-arg', `BUILD_BASE=${bases.build}`, '--build-arg', `RUN_BASE=${bases.run}`],
    ...['--target', target, '--tag', image, root],
  ])
  const unpacked = Number(JSON.parse(run('buildah', ['inspect', '--type', 'image', image])).Docker?.size ?? 0) / 1e6
  const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-image-'))
  try {
    run('buildah', ['push', '--quiet', image, `oci:${folder}/oci:1`])
    const compressed = Number(run('du', ['-sb', `${folder}/oci`]).split('\t')[0]) / 1e6
    return { image, unpacked: unpacked || sizeOf(image), compressed }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function sizeOf(image: string): number {
  const text = run('buildah', ['images', '--format', '{{.Size}}', image]).trim()
  return Number.parseFloat(text) * (text.endsWith('GB') ? 1000 : 1)
}

/** A container of an image. */
class Container {
  readonly #name: string
  constructor(image: string) {
    this.#name = run('buildah', ['from', '--pull-never', image]).trim()
  }

  /** Starts a command in it. */
  start(...command: readonly string[]): ChildProcess {
    return spawn('buildah', this.#words(command), { stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Runs a command in it to its end. */
  attempt(...command: readonly string[]): {
    readonly status: number | null
    readonly stdout: string
    readonly stderr: string
  } {
    return attempt('buildah', this.#words(command))
  }

  remove(): void {
    run('buildah', ['rm', this.#name])
  }

  #words(command: readonly string[]): readonly string[] {
    return ['run', '--isolation', 'chroot', '--network', 'host', '--user', '65532', this.#name, '--', ...command]
  }
}

/** Waits until a server answers its health. */
async function healthy(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.status === 200) return
    await setTimeout(100)
  }
  throw new Error(`${url} does not answer`)
}

const port = 18473

/** The server of the image answers as a user without rights, and its own probe finds it well. */
export function simServes(image: string): Promise<void> {
  return inContainer(image, async container => {
    await serves(
      container,
      ['vllm-sim', '--model', 'm', '--port', String(port), '--enable-prefix-caching'],
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
          method: 'POST',
          body: JSON.stringify({ model: 'm', prompt: 'Hello!', max_tokens: 4 }),
        })
        if (answer.status !== 200) throw new Error(`a completion got ${answer.status}`)
      },
    )
    for (const command of ['vllm-sim-dataset', 'vllm-sim-kv-listener']) {
      const { status, stderr } = container.attempt(command, '--help')
      if (status !== 0) throw new Error(`${command} --help: ${stderr}`)
    }
    refuses(container, 'an option', ['vllm-sim', '--no-such-option'], 2)
    refuses(container, 'a model folder', ['vllm-sim', '--model', 'm', '--tokenizer', '/absent', '--port', '18474'], 1)
  })
}

/** The sidecar of the image does so too. */
export function sidecarServes(image: string): Promise<void> {
  return inContainer(image, async container => {
    await serves(container, ['pd-sidecar', '--port', String(port), '--secure-serving=false'], async () => {})
    refuses(container, 'an option', ['pd-sidecar', '--no-such-option'], 2)
  })
}

async function inContainer(image: string, use: (container: Container) => Promise<void>): Promise<void> {
  const container = new Container(image)
  try {
    await use(container)
  } finally {
    container.remove()
  }
}

/** Starts a server, asks its health from outside and by its own command, uses it, and ends it. */
async function serves(container: Container, command: readonly string[], use: () => Promise<void>): Promise<void> {
  const server = container.start(...command)
  const ended = once(server, 'close')
  try {
    await healthy(`http://127.0.0.1:${port}/health`, server)
    const [program = '', ...options] = command
    const probe = container.attempt(program, 'health', ...options)
    if (probe.status !== 0) throw new Error(`${program} health: ${probe.stderr}`)
    await use()
  } finally {
    stopServer(command)
    await ended
  }
}

/** The program's own sentence, the right status, no stack. */
function refuses(container: Container, what: string, command: readonly string[], status: number): void {
  const { stdout, stderr } = container.attempt(...command)
  const text = stdout + stderr
  // buildah tells the status of what it ran in words.
  if (!text.includes(`exit status ${status}`)) throw new Error(`${what}: not status ${status}: ${text}`)
  if (/^\s+at .*:\d+:\d+/m.test(text)) throw new Error(`${what}: a stack: ${text}`)
}

/** buildah hands no signals on: the server is found by its words. */
function stopServer(command: readonly string[]): void {
  for (const line of run('ps', ['-eo', 'pid,args']).split('\n').slice(1)) {
    const [, pid, words = ''] = /^\s*(\d+) (.*)$/.exec(line) ?? []
    if (words.startsWith('/usr/local/bin/node ') && words.endsWith(command.join(' ')))
      process.kill(Number(pid), 'SIGTERM')
  }
}
