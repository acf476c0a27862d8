import { formatTarget, type Target } from '@vllm-sim/pd-protocol'

/** What of an InferencePool (`inference.networking.k8s.io/v1`) says which pods it has. */
export interface Pool {
  /** Labels of its pods. */
  readonly labels: Readonly<Record<string, string>>
  readonly ports: readonly number[]
}

/** Reads a pool. @throws Error that names what is missing */
export function readPool(pool: unknown): Pool {
  const spec = objectIn(pool, 'spec')
  if (spec === undefined) throw new Error('missing or invalid spec')
  const labels = objectIn(objectIn(spec, 'selector'), 'matchLabels')
  if (labels === undefined) {
    throw new Error(`missing or invalid spec.selector${'selector' in spec ? '.matchLabels' : ''}`)
  }
  const targets: unknown = spec['targetPorts']
  const ports = Array.isArray(targets) ? targets.map(one => objectIn({ one }, 'one')?.['number']) : []
  if (ports.length === 0 || !ports.every(isPort)) throw new Error('missing or invalid spec.targetPorts')
  return { labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)])), ports }
}

/** What of a pod can be named by a request. */
export interface Pod {
  readonly name: string
  readonly ip: string
}

/** Targets that pods of a pool are, by address and by name, as they are compared. */
export function targetsOf(pods: readonly Pod[], { ports }: Pool): Set<string> {
  const targets = new Set<string>()
  for (const { name, ip } of pods) {
    if (ip === '') continue
    for (const port of ports) for (const host of [ip, name]) targets.add(formatTarget({ host, port } satisfies Target))
  }
  return targets
}

function objectIn(value: unknown, name: string): Record<string, unknown> | undefined {
  const inner = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    ? (inner as Record<string, unknown>)
    : undefined
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535
}
