/** Values by option name. */
type Values = Map<string, unknown>

/** Old names whose value is that of another option. */
const renamed: readonly (readonly [old: string, now: string])[] = [
  ['secure-proxy', 'secure-serving'],
  ['vllm-port', 'model-server-port'],
  ['connector', 'kv-connector'],
  ['v', 'zap-log-level'],
]

/** Old switches that are words of a list now. */
const stages: readonly (readonly [old: string, list: string, stage: string])[] = [
  ['prefiller-use-tls', 'enable-tls', 'prefiller'],
  ['decoder-use-tls', 'enable-tls', 'decoder'],
  ['prefiller-tls-insecure-skip-verify', 'tls-insecure-skip-verify', 'prefiller'],
  ['decoder-tls-insecure-skip-verify', 'tls-insecure-skip-verify', 'decoder'],
]

/** Gives the values of old options to those that took their place, if these have none. Each is named in a warning. */
export function applyAliases(values: Values, warn: (line: string) => void): void {
  for (const [old, now] of renamed) {
    const value = values.get(old)
    if (value === undefined) continue
    warn(`--${old} is deprecated: use --${now}`)
    if (!values.has(now)) values.set(now, value)
  }
  for (const [old, now, stage] of stages) {
    if (values.get(old) === undefined) continue
    warn(`--${old} is deprecated: use --${now}=${stage}`)
    if (values.get(old) === true) values.set(now, [...((values.get(now) as string[] | undefined) ?? []), stage])
  }
  const name = values.get('inference-pool-name')
  if (name !== undefined || values.has('inference-pool-namespace')) {
    warn('--inference-pool-namespace and --inference-pool-name are deprecated: use --inference-pool')
    if (!values.has('inference-pool') && name !== undefined) {
      values.set('inference-pool', `${values.get('inference-pool-namespace') ?? 'default'}/${name}`)
    }
  }
  for (const [now, names] of Object.entries(connectorAliases)) {
    if (values.get('kv-connector') !== now) continue
    warn(`--kv-connector=${now} is deprecated: use ${names}`)
    values.set('kv-connector', names)
  }
}

const connectorAliases: Readonly<Record<string, string>> = { lmcache: 'shared-storage' }
