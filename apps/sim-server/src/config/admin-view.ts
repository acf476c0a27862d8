import { shownValue } from '@vllm-sim/config'
import { optionTable } from '../options/table.ts'
import type { Config, ConfigParts } from './config.ts'
import { type FakeLora, type FakeMetrics, HISTOGRAM_KEYS } from './fake-metrics/fake-metrics.ts'
import { formatGenerator } from './fake-metrics/generator.ts'
import type { LoraModule } from './lora-modules.ts'

/**
 * The body of `GET /admin/config`: every option that the reference has and five values under its internal names,
 * sorted.
 */
export function configView(config: Config): string {
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
  if (config.steps) view['step-profile'] = config.steps.profile
  Object.assign(view, derivedValues(config))
  if (config.ranksInProcess > 1) delete view['port']
  const sorted = Object.fromEntries(Object.entries(view).sort(byKey))
  return JSON.stringify(sorted, exactIntegers)
}

/**
 * The body of `GET /admin/options`: every option with an effect, ours too, in the order of `--help`. `live` ones can be
 * changed with `POST /admin/config`; a secret is not told.
 */
export function optionsView(config: Config): string {
  const { byName } = config.parts.values
  const derived = derivedValues(config)
  const options = []
  for (const [name, row] of optionTable) {
    if (row.effect === 'none') continue
    const value = name in derived ? (derived[name] ?? null) : shownValue(row, byName[name])
    options.push({ name, value, default: shownValue(row, row.default), live: row.live !== undefined })
  }
  return JSON.stringify({ options }, exactIntegers)
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
    'max-num-seqs': config.maxNumSeqs,
    'block-size': config.blockSize,
    'lora-modules': loraModulesView(config.parts),
    'fake-metrics': config.fakeMetrics === undefined ? null : fakeMetricsView(config.fakeMetrics),
  }
}

/** An untouched list is `null`, an emptied one `[]`, as is an untouched one when a file was read. */
function loraModulesView({ values, configFileRead }: ConfigParts): unknown {
  const { loraModules } = values
  return loraModules === undefined ? (configFileRead ? [] : null) : loraModules.map(loraModuleView)
}

function loraModuleView({ name, path = '', baseModelName = '' }: LoraModule): unknown {
  return { base_model_name: baseModelName, name, path }
}

/** Lists and maps that are not set: `null`, adapters `[]`. Gauges and counters that are not set have no key. */
const unset: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(HISTOGRAM_KEYS.map(key => [key, null])),
  'request-success-total': null,
  loras: [],
}

/** Every member, generators as text. */
function fakeMetricsView({ loras, ...metrics }: FakeMetrics): unknown {
  const set = Object.entries(metrics).map(([key, value]) => [key, isGenerator(value) ? formatGenerator(value) : value])
  const view = { ...unset, ...Object.fromEntries(set), ...(loras && { loras: loras.map(loraView) }) }
  return Object.fromEntries(Object.entries(view).sort(byKey))
}

function loraView({ running = '', timestamp = 0, waiting = '' }: FakeLora): FakeLora {
  return { running, timestamp, waiting }
}

function isGenerator(value: unknown): value is Parameters<typeof formatGenerator>[0] {
  return typeof value === 'object' && value !== null && 'periodMs' in value
}
