import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseAllDocuments } from 'yaml'

/** The root of the repository. */
export const root = path.dirname(path.dirname(import.meta.dirname))

/** An object of Kubernetes, and the file that it is from. */
export interface KubernetesObject {
  readonly file: string
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly [member: string]: unknown
}

/** The part of a pod that is checked. */
export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[]
}

/** The part of a container that is checked. */
export interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly [probe: string]: unknown
}

/** A pod template with its labels. */
export interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> }
  readonly spec: PodSpec
}

/** The objects in a text of YAML. Documents without a kind, as configuration files are, are left out. */
export function objectsIn(file: string, text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).flatMap(document => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]!.message}`)
    const value = document.toJS()
    return value?.kind === undefined || value.apiVersion === undefined ? [] : [{ ...value, file }]
  })
}

/** The files of manifests and of the kind cluster, from the root. */
export function manifestFiles(): readonly string[] {
  return globSync(['manifests/**/*.yaml', 'deploy/*.yaml'], { cwd: root }).sort()
}

/** Every object of the manifests, and of the kind cluster with what the script fills in. */
export function manifestObjects(): readonly KubernetesObject[] {
  return manifestFiles().flatMap(file => objectsIn(file, filledIn(readFileSync(path.join(root, file), 'utf8'))))
}

/** What `envsubst` makes of a file of the kind cluster, with the values that the script has by default. */
function filledIn(text: string): string {
  const script = readFileSync(path.join(root, 'scripts/kind-deploy.sh'), 'utf8')
  return text.replace(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    const value = new RegExp(`^${name}=\\$\\{${name}-(.*)\\}$`, 'm').exec(script)
    if (!value) throw new Error(`kind-deploy.sh gives no value for ${name}`)
    return value[1]!
  })
}

/** The pod template of an object that makes pods. */
export function templateOf(object: KubernetesObject): Template | undefined {
  if (object.kind === 'Pod') return { metadata: { labels: {}, ...object.metadata }, spec: object['spec'] as PodSpec }
  return (object['spec'] as { template?: Template } | undefined)?.template
}

/** All containers of a pod, those that start first before the others. */
export function containersOf({ spec }: Template): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}
