import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { loadConfig as loadSidecar } from '../../apps/pd-sidecar/src/config/load.ts'
import { type Config, loadConfig } from '../../apps/sim-server/src/config/index.ts'
import { type Container, containersOf, type KubernetesObject, root, type Template, templateOf } from './objects.ts'

/** The version that images carry. */
export const version: string = JSON.parse(readFileSync(path.join(root, 'apps/sim-server/package.json'), 'utf8')).version

/** What is wrong with objects that are applied together, a line each. */
export async function problemsOf(objects: readonly KubernetesObject[]): Promise<readonly string[]> {
  const problems: string[] = []
  const names = new Set<string>()
  for (const object of objects.filter(({ metadata }) => metadata)) {
    const say = (problem: string): void => {
      problems.push(`${object.file}: ${object.kind} ${object.metadata.name}: ${problem}`)
    }
    const id = `${object.kind}/${object.metadata.name}`
    if (names.has(id)) say('there are two of that name')
    names.add(id)
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(object.metadata.name)) say('that is no name of Kubernetes')
    const template = templateOf(object)
    if (template) await checkPods(object, template, objects, say)
    else checkReferences(object, objects, say)
  }
  return [...problems, ...objects.flatMap(missingResources)]
}

/** Files that a kustomization names and that are not there. */
function missingResources({ file, kind, resources }: KubernetesObject): readonly string[] {
  if (kind !== 'Kustomization') return []
  const missing = (resources as readonly string[]).filter(
    name => !existsSync(path.join(root, path.dirname(file), name)),
  )
  return missing.map(name => `${file}: there is no ${name}`)
}

type Say = (problem: string) => void

async function checkPods(
  object: KubernetesObject,
  template: Template,
  objects: readonly KubernetesObject[],
  say: Say,
): Promise<void> {
  const selector = (object['spec'] as { selector?: { matchLabels: Labels } }).selector
  if (selector && !selects(selector.matchLabels, template)) say('its selector does not select its own pods')
  const { volumes = [] } = template.spec
  for (const { name, configMap } of volumes) {
    if (configMap && !find(objects, 'ConfigMap', configMap.name)) say(`volume ${name}: no ConfigMap ${configMap.name}`)
  }
  const ports = containersOf(template).flatMap(({ ports }) => ports ?? [])
  if (new Set(ports.map(({ name }) => name)).size < ports.length) say('two ports of a pod have one name')
  if (new Set(ports.map(({ containerPort }) => containerPort)).size < ports.length) say('two ports have one number')
  for (const container of containersOf(template)) {
    const sayOf: Say = problem => say(`container ${container.name}: ${problem}`)
    for (const { name } of container.volumeMounts ?? []) {
      if (!volumes.some(volume => volume.name === name)) sayOf(`no volume ${name}`)
    }
    checkProbes(container, sayOf)
    await checkCommand(container, template, objects, sayOf)
  }
}

function checkProbes(container: Container, say: Say): void {
  for (const name of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    const probe = container[name] as { httpGet?: { port: string | number }; grpc?: { port: number } } | undefined
    const port = probe?.httpGet?.port ?? probe?.grpc?.port
    const known = (container.ports ?? []).some(one => one.name === port || one.containerPort === port)
    if (port !== undefined && !known) say(`${name}: no port ${port}`)
  }
}

/** The commands of each image. */
const programs: Readonly<Record<string, ReadonlySet<string>>> = {
  'vllm-sim': new Set(['vllm-sim', 'vllm-sim-kv-listener', 'vllm-sim-dataset', 'node']),
  'pd-sidecar': new Set(['pd-sidecar', 'node']),
}

/** Whether a container of ours starts: its image's version, its command, its options and the ports they open. */
async function checkCommand(
  container: Container,
  template: Template,
  objects: readonly KubernetesObject[],
  say: Say,
): Promise<void> {
  const image = /^ghcr\.io\/vllm-sim\/([\w-]+):(.+)$/.exec(container.image)
  if (!image) return
  if (image[2] !== version) say(`image ${container.image} is not of version ${version}`)
  const [command = image[1]!] = container.command ?? []
  if (!programs[image[1]!]?.has(command)) say(`the image has no command ${command}`)
  if (command === 'pd-sidecar') await checkSidecar(container, template, say)
  if (command !== 'vllm-sim') return
  const config = await serverConfig(container, template, objects).catch((error: Error) => say(error.message))
  if (!config) return
  comparePorts(container, config.port, config.dataParallelSize, say)
}

/** Whether a sidecar starts, listens on its ports, and has the servers of its pod behind it. */
async function checkSidecar(container: Container, template: Template, say: Say): Promise<void> {
  const loaded = await loadSidecar(container.args ?? [], environmentOf(container), () => '').catch(
    (error: Error) => error,
  )
  if (loaded instanceof Error) return say(loaded.message)
  if (!('config' in loaded)) return say('these arguments start no sidecar')
  for (const problem of [...loaded.warnings, loaded.problem ?? []].flat()) say(problem)
  const { port, modelServerPort, dataParallelSize } = loaded.config
  comparePorts(container, port, dataParallelSize, say)
  const behind = containersOf(template).flatMap(({ ports }) => (ports ?? []).map(({ containerPort }) => containerPort))
  if (!behind.includes(modelServerPort)) say(`no server of its pod listens on ${modelServerPort}`)
}

function comparePorts({ ports = [] }: Container, first: number, ranks: number, say: Say): void {
  const opened = Array.from({ length: ranks }, (_, rank) => first + rank).join()
  const named = ports.map(({ containerPort }) => containerPort).join()
  if (opened !== named) say(`it listens on ${opened}, and its ports are ${named}`)
}

/** The environment of a container. A value from a field or a secret is whatever it is: some text. */
function environmentOf({ env = [] }: Container): Readonly<Record<string, string>> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? 'x']))
}

/** The arguments of a container's command, with the configuration that is mounted as flags of its own. */
export function serverArguments(
  container: Container,
  template: Template,
  objects: readonly KubernetesObject[],
): readonly string[] {
  const args = [...(container.command ?? []).slice(1), ...(container.args ?? [])]
  return args.flatMap(word => {
    const file = /^--config=(.*)$/.exec(word)?.[1]
    return file === undefined ? [word] : asFlags(mountedFile(file, container, template, objects))
  })
}

/** A configuration as the flags of a command line. */
function asFlags(text: string): readonly string[] {
  const values = Object.entries(parse(text) as Record<string, unknown>)
  return values.flatMap(([name, value]) => [`--${name}`, ...[value].flat().map(String)])
}

/** The configuration of a server, read by the server's own code: arguments, environment, and the file that is mounted. */
async function serverConfig(
  container: Container,
  template: Template,
  objects: readonly KubernetesObject[],
): Promise<Config> {
  const args = [...(container.command ?? []).slice(1), ...(container.args ?? [])]
  const loaded = await loadConfig(args, environmentOf(container), file =>
    mountedFile(file, container, template, objects),
  )
  if (!loaded.config) throw new Error(`${args.join(' ')} starts no server`)
  if (loaded.warnings.length > 0 && !/deprecated/.test(loaded.warnings.join())) throw new Error(loaded.warnings.join())
  return loaded.config
}

function mountedFile(
  file: string,
  { volumeMounts = [] }: Container,
  { spec }: Template,
  objects: readonly KubernetesObject[],
): string {
  const mount = volumeMounts.find(({ mountPath }) => path.dirname(file) === mountPath)
  const volume = spec.volumes?.find(({ name }) => name === mount?.name)
  const map = volume?.configMap && find(objects, 'ConfigMap', volume.configMap.name)
  const text = (map?.['data'] as Record<string, string> | undefined)?.[path.basename(file)]
  if (text === undefined) throw new Error(`nothing is mounted at ${file}`)
  return text
}

type Labels = Readonly<Record<string, string>>

function selects(labels: Labels, { metadata }: Template): boolean {
  return Object.entries(labels).every(([name, value]) => metadata.labels[name] === value)
}

function find(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject | undefined {
  return objects.find(object => object.kind === kind && object.metadata.name === name)
}

interface Service {
  readonly selector: Labels
  readonly ports: readonly { readonly name: string; readonly targetPort: string | number }[]
}

/** Whether what an object names is there. */
function checkReferences(object: KubernetesObject, objects: readonly KubernetesObject[], say: Say): void {
  const spec = object['spec'] as Record<string, unknown> | undefined
  const templates = objects.flatMap(one => templateOf(one) ?? [])
  const pods = (labels: Labels): readonly Template[] => {
    const found = templates.filter(template => selects(labels, template))
    if (found.length === 0) say(`it selects no pods: ${JSON.stringify(labels)}`)
    return found
  }
  const needPort = (template: Template, port: string | number): void => {
    const known = containersOf(template).flatMap(({ ports }) => ports ?? [])
    if (!known.some(one => one.name === port || one.containerPort === port)) say(`its pods have no port ${port}`)
  }
  const need = (kind: string, name: string): void => {
    if (!find(objects, kind, name)) say(`there is no ${kind} ${name}`)
  }
  switch (object.kind) {
    case 'Service': {
      const { selector, ports } = spec as unknown as Service
      for (const template of pods(selector)) for (const { targetPort } of ports) needPort(template, targetPort)
      break
    }
    case 'HorizontalPodAutoscaler':
    case 'ScaledObject':
      need('Deployment', (spec!['scaleTargetRef'] as { name: string }).name)
      break
    case 'PodMonitor': {
      const { selector, podMetricsEndpoints } = spec as unknown as {
        selector: { matchLabels: Labels }
        podMetricsEndpoints: readonly { port: string }[]
      }
      for (const template of pods(selector.matchLabels))
        for (const { port } of podMetricsEndpoints) needPort(template, port)
      break
    }
    case 'PodDisruptionBudget':
      pods((spec!['selector'] as { matchLabels: Labels }).matchLabels)
      break
    case 'NetworkPolicy': {
      const { podSelector, ingress } = spec as unknown as {
        podSelector: { matchLabels: Labels }
        ingress: readonly { ports: readonly { port: string | number }[] }[]
      }
      for (const template of pods(podSelector.matchLabels))
        for (const { ports } of ingress) for (const { port } of ports) needPort(template, port)
      break
    }
    case 'InferencePool': {
      const { selector, targetPorts } = spec as unknown as {
        selector: { matchLabels: Labels }
        targetPorts: readonly { number: number }[]
      }
      for (const template of pods(selector.matchLabels))
        for (const { number } of targetPorts) needPort(template, number)
      break
    }
    case 'HTTPRoute':
      for (const { backendRefs } of spec!['rules'] as readonly {
        backendRefs: readonly { kind: string; name: string }[]
      }[])
        for (const { kind, name } of backendRefs) need(kind, name)
      break
    case 'Ingress':
      for (const { http } of spec!['rules'] as readonly {
        http: { paths: readonly { backend: { service: { name: string } } }[] }
      }[])
        for (const { backend } of http.paths) need('Service', backend.service.name)
      break
  }
}
