import { optionTable } from '../options/table.ts'
import type { Config, ConfigParts } from './config.ts'
import type { FakeMetrics } from './fake-metrics/fake-metrics.ts'
import { formatGenerator } from './fake-metrics/generator.ts'
import type { LoraModule } from './lora-modules.ts'

/**
 * The body of `GET /admin/config`: every option that the reference has and five values under its internal names,
 * sorted. Also the start-up dump.
 * @param indent spaces per level; 0 for compact text
 */
export function configView(config: Config, indent = 0): string {
  const view: Record<string, unknown> = {
    DisplayModelName: config.displayModelName,
    IP: config.podIp,
    PodName: config.podName,
    PodNameSpace: config.podNamespace,
    VllmDevMode: config.devMode,
  }
  for (const [name, { shown, type }] of optionTable) {
    if (!shown) continue
    const value = config.parts.values.byName[name] ?? null
    view[name] = value === null || type.format === undefined ? value : type.format(value)
  }
  Object.assign(view, derivedValues(config))
  if (config.ranksInProcess > 1) delete view['port']
  const sorted = Object.fromEntries(Object.entries(view).sort(byKey))
  return JSON.stringify(sorted, exactIntegers, indent)
}

/** JSON has no bigint; V8's raw JSON text (not in TypeScript's library yet) keeps a 64-bit seed exact. */
function exactIntegers(_: string, value: unknown): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
  return typeof value === 'bigint' ? rawJSON(String(value)) : value
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}

/** Values that are shown as they hold, not as they were given. */
function derivedValues(config: Config): Record<string, unknown> {
  return {
    port: config.port,
    'served-model-name': config.servedModelName,
    'max-cpu-loras': config.maxCpuLoras,
    'data-parallel-rank': config.rank,
    'zmq-endpoint': config.zmqEndpoint,
    'kv-events-replay-endpoint': config.kvEventsReplayEndpoint,
    seed: config.seed,
    'lora-modules': loraView(config.parts),
    'fake-metrics': config.fakeMetrics === undefined ? null : fakeMetricsView(config.fakeMetrics),
  }
}

/** An untouched list is `null`, an emptied one `[]`, as is an untouched one when a file was read. */
function loraView({ values, configFileRead }: ConfigParts): unknown {
  const { loraModules } = values
  return loraModules === undefined ? (configFileRead ? [] : null) : loraModules.map(loraModuleView)
}

function loraModuleView({ name, path, baseModelName }: LoraModule): unknown {
  return {
    ...(baseModelName !== undefined && { base_model_name: baseModelName }),
    name,
    ...(path !== undefined && { path }),
  }
}

/** Only the keys that were given, generators as text. */
function fakeMetricsView(metrics: FakeMetrics): unknown {
  const entries = Object.entries(metrics).sort(byKey)
  return Object.fromEntries(entries.map(([key, value]) => [key, isGenerator(value) ? formatGenerator(value) : value]))
}

function isGenerator(value: unknown): value is Parameters<typeof formatGenerator>[0] {
  return typeof value === 'object' && value !== null && 'periodMs' in value
}
