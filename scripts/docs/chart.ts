import { readFileSync } from 'node:fs'
import path from 'node:path'
import { isMap, isPair, isScalar, type Pair, parse, parseDocument, visit, type YAMLMap } from 'yaml'
import { renderConfigurationSchema } from '../../apps/sim-server/src/config/docs/page.ts'

/** A JSON schema, as far as is made here. */
export interface Schema {
  type?: string | readonly string[]
  description?: string
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  [word: string]: unknown
}

/** The folder of the chart, from the root of the repository. */
export const chart = 'charts/vllm-sim'

const root = path.dirname(path.dirname(import.meta.dirname))

/** Every option as the chart's `config` takes it: by its name, in camel case too, and null for "as if it were absent". */
function configSchema(): Schema {
  const { properties = {} } = JSON.parse(renderConfigurationSchema()) as Schema
  const entries = Object.entries(properties).flatMap(([name, { default: _, ...schema }]) => [
    [name, schema],
    ...(camelCase(name) === name ? [] : [[camelCase(name), { $ref: `#/definitions/config/properties/${name}` }]]),
  ])
  return { type: 'object', properties: Object.fromEntries(entries), additionalProperties: false }
}

/** The name of an option as a chart's value: `max-num-seqs` is `maxNumSeqs`. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Objects of Kubernetes that the chart hands on as they are: checked by the API server, not here. */
const handedOn = new Set([
  ...['podAnnotations', 'podLabels', 'podSecurityContext', 'securityContext', 'resources', 'nodeSelector', 'affinity'],
  ...['ingress.annotations', 'podMonitor.labels', 'sidecar.resources'],
])

/** What stands in lists whose defaults are empty, or show only an example. */
const items: Readonly<Record<string, Schema>> = {
  extraArgs: { type: 'string' },
  'sidecar.extraArgs': { type: 'string' },
  'lora.modules': {
    type: 'object',
    properties: { name: { type: 'string' }, path: { type: 'string' }, baseModelName: { type: 'string' } },
    required: ['name', 'path'],
    additionalProperties: false,
  },
}

const bounds: Readonly<Record<string, Schema>> = {
  ranks: { minimum: 1 },
  replicaCount: { minimum: 0 },
  'service.port': { minimum: 1, maximum: 65535 },
  'service.type': { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] },
  'image.pullPolicy': { enum: ['Always', 'IfNotPresent', 'Never'] },
}

/** The schema of values.yaml: what is in it, with the types of the defaults, and the server's own options. */
export function renderValuesSchema(): string {
  const values = parse(readFileSync(path.join(root, chart, 'values.yaml'), 'utf8'))
  const schema = objectSchema(values, '')
  // Helm's own, for charts that have this one as a part.
  schema.properties!['global'] = { type: 'object' }
  const head = { $schema: 'http://json-schema.org/draft-07/schema#', definitions: { config: configSchema() } }
  return `${JSON.stringify({ ...head, ...schema }, null, 1)}\n`
}

function objectSchema(values: Readonly<Record<string, unknown>>, prefix: string): Schema {
  const entries = Object.entries(values).map(([key, value]) => [key, valueSchema(value, prefix + key)])
  return { type: 'object', properties: Object.fromEntries(entries), additionalProperties: false }
}

function valueSchema(value: unknown, name: string): Schema {
  if (name === 'config' || /^roles\.\w+\.config$/.test(name)) return { $ref: '#/definitions/config' }
  if (handedOn.has(name)) return { type: 'object' }
  const bound = bounds[name] ?? {}
  if (Array.isArray(value)) return { type: 'array', items: items[name] ?? { type: 'object' }, ...bound }
  if (value === null) return { type: ['integer', 'null'], ...bound }
  if (typeof value === 'object') return objectSchema(value as Record<string, unknown>, `${name}.`)
  if (typeof value === 'number') return { type: 'integer', minimum: 0, ...bound }
  // A tag that looks like a number is one in YAML.
  if (name.endsWith('.tag')) return { type: ['string', 'number'] }
  return { type: typeof value, ...bound }
}

/** The table of values for the chart's README: each line of values.yaml behind a comment that begins with `--`. */
export function valuesTable(): string {
  const document = parseDocument(readFileSync(path.join(root, chart, 'values.yaml'), 'utf8'))
  const rows: string[] = []
  visit(document, {
    Pair(_, pair, ancestors) {
      const help = commentOf(pair, ancestors.at(-1) as YAMLMap)
      if (help === undefined) return
      const parents = ancestors.filter(isPair).map(keyOf)
      const value = JSON.stringify((pair.value as { toJSON(): unknown } | null)?.toJSON() ?? null)
      rows.push(`| \`${[...parents, keyOf(pair)].join('.')}\` | \`${value}\` | ${help} |`)
      return /^\{.*\}$/.test(value) || value.startsWith('[') ? visit.SKIP : undefined
    },
  })
  return ['| value | default | what |', '|---|---|---|', ...rows].join('\n')
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key)
}

/** A comment stands before the key; that of the first key of a map before the map. */
function commentOf(pair: Pair, parent: YAMLMap): string | undefined {
  const own = isScalar(pair.key) ? pair.key.commentBefore : undefined
  const first = isMap(parent) && parent.items[0] === pair ? parent.commentBefore : undefined
  return /^ ?-- ([^\n]*)$/m.exec(own ?? first ?? '')?.[1]
}
