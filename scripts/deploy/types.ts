import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type KubernetesObject, root } from './objects.ts'

const typePackages = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'keda.sh': '@kubernetes-models/keda',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
} as const

/** Kinds that no package has types for, as their API's document has them. */
const ownTypes: Readonly<Record<string, string>> = {
  InferencePool: `{
    apiVersion: 'inference.networking.k8s.io/v1'
    kind: 'InferencePool'
    metadata: { name: string; namespace?: string; labels?: Record<string, string> }
    spec: {
      selector: { matchLabels: Record<string, string> }
      targetPorts: { number: number }[]
      appProtocol?: string
      endpointPickerRef: {
        group?: string
        kind?: string
        name: string
        port?: { number: number }
        failureMode?: 'FailOpen' | 'FailClose'
      }
    }
  }`,
  Kustomization: `{
    apiVersion: 'kustomize.config.k8s.io/v1beta1'
    kind: 'Kustomization'
    resources: string[]
  }`,
}

/**
 * Objects that are not what the types of their kinds say: each is written as TypeScript and read by the compiler, which
 * knows members that do not exist as well as values of a wrong type.
 * @returns a line for each
 */
export function typeErrors(objects: readonly KubernetesObject[]): readonly string[] {
  const folder = path.join(root, '.cache', `kubernetes-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    const files = objects.map(({ file, ...object }, index) => {
      writeFileSync(path.join(folder, `${index}.ts`), sourceOf(object as KubernetesObject))
      return file
    })
    const config = {
      extends: '../../tsconfig.base.json',
      compilerOptions: { noEmit: true, types: [] },
      include: ['*.ts'],
    }
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = path.join(root, 'node_modules/.bin/tsc')
    const { stdout, status, error } = spawnSync(tsc, ['--pretty', 'false', '-p', folder], { encoding: 'utf8' })
    if (error) throw error
    if (status === 0) return []
    // Lines that go on with the error before them are indented.
    const lines = stdout.split('\n').filter(line => /^\S/.test(line))
    return lines.map(line => line.replace(/^.*?(\d+)\.ts\(\d+,\d+\)/, (_, index: string) => files[Number(index)]!))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function sourceOf(object: KubernetesObject): string {
  const { apiVersion, kind } = object
  const own = ownTypes[kind]
  const value = JSON.stringify(object, null, 2)
  if (own) return `export const object: ${own} = ${value}\n`
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  const from = typePackages[group as keyof typeof typePackages] ?? 'kubernetes-models'
  return `import type { I${kind} } from '${from}/${apiVersion}'\nexport const object: I${kind} = ${value}\n`
}
