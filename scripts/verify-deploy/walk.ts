import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { serverArguments } from '../deploy/check.ts'
import { type Container, containersOf, objectsIn, root, type Template, templateOf } from '../deploy/objects.ts'

const programs: Readonly<Record<string, string>> = {
  'vllm-sim': 'apps/sim-server/src/main.ts',
  'vllm-sim-kv-listener': 'packages/kv-events/src/bin/listener.ts',
  'pd-sidecar': 'apps/pd-sidecar/src/main.ts',
}

/** A container of a manifest as a process of this machine. */
interface Started {
  readonly address: string
  readonly container: Container
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  output: string
}

/**
 * Does with the files of a manifest what a cluster would: starts every container's command with its arguments and its
 * environment, and waits for its probes. Then `use` has the pods; all of them end with SIGTERM, and in time.
 */
export async function walk(files: readonly string[], use: (output: () => string) => Promise<void>): Promise<void> {
  const objects = files.flatMap(file => objectsIn(file, readFileSync(path.join(root, file), 'utf8')))
  const templates = objects.flatMap(object => templateOf(object) ?? [])
  const started: Started[] = []
  try {
    for (const [index, template] of templates.entries()) {
      for (const container of containersOf(template)) {
        started.push(start(container, template, objects, addressOf(index)))
      }
    }
    for (const one of started) await probes(one)
    await use(() => started.map(({ output }) => output).join(''))
    await stop(started)
  } finally {
    for (const { child } of started) child.kill('SIGKILL')
  }
}

/** Ends all of them as a cluster does. @throws Error when one takes too long or says that it failed */
async function stop(started: readonly Started[]): Promise<void> {
  for (const { child } of started) child.kill('SIGTERM')
  const late = setTimeout(20_000, 'late', { ref: false })
  if ((await Promise.race([Promise.all(started.map(({ ended }) => ended)), late])) === 'late') {
    throw new Error('a container did not end within 20 s of SIGTERM')
  }
  for (const { container, child } of started) {
    if (child.exitCode !== 0) throw new Error(`${container.name} ended with ${child.exitCode ?? child.signalCode}`)
  }
}

/** Every pod has an address of its own, as in a cluster: loopback has many. */
function addressOf(pod: number): string {
  return `127.0.0.${pod + 2}`
}

function start(
  container: Container,
  template: Template,
  objects: Parameters<typeof serverArguments>[2],
  address: string,
): Started {
  const command = container.command?.[0] ?? /([\w-]+):[^:/]+$/.exec(container.image)![1]!
  const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? address]))
  // Names of services are this machine. What is inside of a pod alone listens everywhere.
  const host = container.ports?.[0]?.name === 'http' ? [`--host=${address}`] : []
  const args = serverArguments(container, template, objects).map(word =>
    word.replace(/\/\/[\w-]+-service:/, '//127.0.0.1:'),
  )
  const child = spawn(process.execPath, [path.join(root, programs[command]!), ...args, ...host], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const one: Started = { address, container, child, ended: once(child, 'close'), output: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      one.output += text
    })
  }
  return one
}

interface HttpProbe {
  readonly httpGet?: { readonly path: string; readonly port: string }
}

async function probes(started: Started): Promise<void> {
  const { address, container, child } = started
  for (const name of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    const { httpGet } = (container[name] ?? {}) as HttpProbe
    if (!httpGet) continue
    const port = container.ports!.find(({ name }) => name === httpGet.port)!.containerPort
    await answers(
      `http://${container.ports![0]!.name === 'http' ? address : '127.0.0.1'}:${port}${httpGet.path}`,
      child,
    ).catch(error => {
      throw new Error(`${container.name}, ${name}: ${error.message}\n${started.output}`)
    })
  }
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    if ((await fetch(url, { headers: { connection: 'close' } }).catch(() => undefined))?.status === 200) return
    await setTimeout(100)
  }
  throw new Error(`${url} does not answer`)
}

/** Sends a request as a walkthrough does. @returns the answer @throws Error when its status is not 200 */
async function ask(port: number, target: string, body: unknown, { pod = 0, headers = {} } = {}): Promise<string> {
  // The server before was at the same port: no connection of its is kept.
  const response = await fetch(`http://${addressOf(pod)}:${port}${target}`, {
    method: 'POST',
    headers: { connection: 'close', ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${target} got ${response.status}: ${text}`)
  return text
}

/** The walkthroughs: files of a manifest, and what its README sends. */
export const walks: readonly (readonly [string, readonly string[], (output: () => string) => Promise<void>])[] = [
  ['deployment.yaml', ['manifests/deployment.yaml'], () => completes(8000, 'Qwen/Qwen3.5-397B-A17B')],
  [
    'deployment_kvcache.yaml',
    ['manifests/deployment_kvcache.yaml'],
    () => completes(8000, 'Qwen/Qwen2.5-1.5B-Instruct'),
  ],
  [
    'zmq-listener',
    ['manifests/zmq-listener/zmq-listener.yaml', 'manifests/zmq-listener/sim.yaml'],
    async output => {
      // A whole block, so that there is something to tell.
      const prompt = 'one two three four five six seven eight nine ten'
      await completes(8000, 'Qwen/Qwen2.5-1.5B-Instruct', { pod: 1, prompt })
      for (let tries = 0; !/BlockStored/.test(output()); tries++) {
        if (tries > 200) throw new Error(`the listener prints no event:\n${output()}`)
        await setTimeout(50)
      }
    },
  ],
  [
    'disaggregation',
    ['manifests/disaggregation/vllm-sim-pd.yaml'],
    async () => {
      const headers = { 'x-prefiller-host-port': `${addressOf(0)}:8000` }
      await completes(8000, 'Qwen/Qwen2.5-0.5B-Instruct', { pod: 1, headers })
      const counts = [await answered(0, 8000), await answered(1, 8200)]
      if (counts.join() !== '1,1') throw new Error(`prefill and decode answered ${counts.join()} requests`)
    },
  ],
  [
    'lora',
    ['manifests/lora/vllm-sim-lora.yaml'],
    async () => {
      await ask(8000, '/v1/load_lora_adapter', { lora_name: 'news', lora_path: '/adapters/news' })
      for (const model of ['base', 'food-review', 'news']) await completes(8000, model)
    },
  ],
  [
    'ranks',
    ['manifests/ranks/vllm-sim-ranks.yaml'],
    async () => {
      for (const port of [8000, 8001, 8002, 8003]) await completes(port, 'meta-llama/Llama-3.1-8B-Instruct')
    },
  ],
  [
    'faults',
    ['manifests/faults/vllm-sim-faults.yaml'],
    async () => {
      await ask(8000, '/admin/config', { 'failure-injection-rate': 100 })
      const model = 'meta-llama/Llama-3.1-8B-Instruct'
      const response = await fetch(`http://${addressOf(0)}:8000/v1/completions`, {
        method: 'POST',
        headers: { connection: 'close' },
        body: JSON.stringify({ model, prompt: 'Hello!' }),
      })
      await response.text()
      if (response.status < 400) throw new Error('no request fails')
    },
  ],
]

async function completes(
  port: number,
  model: string,
  { prompt = 'Hello!', ...how }: { prompt?: string; pod?: number; headers?: Record<string, string> } = {},
): Promise<void> {
  const answer = JSON.parse(await ask(port, '/v1/completions', { model, prompt, max_tokens: 4 }, how))
  if (answer.object !== 'text_completion') throw new Error(JSON.stringify(answer))
}

/** How many requests a server has answered. */
async function answered(pod: number, port: number): Promise<number> {
  const text = await (
    await fetch(`http://${addressOf(pod)}:${port}/metrics`, { headers: { connection: 'close' } })
  ).text()
  const counts = [...text.matchAll(/^vllm:request_success_total\{.*\} (\d+)/gm)]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}
