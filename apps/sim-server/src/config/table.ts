import type { Option, OptionGroup } from './option.ts'
import { compatibility, observability } from './options/compatibility.ts'
import { dataset } from './options/dataset.ts'
import { failures } from './options/failures.ts'
import { general } from './options/general.ts'
import { kvCache } from './options/kv-cache.ts'
import { latency } from './options/latency.ts'
import { klog, logging } from './options/logging.ts'
import { lora } from './options/lora.ts'
import { output } from './options/output.ts'
import { parallel } from './options/parallel.ts'
import { server, tls } from './options/server.ts'
import { tokenizer } from './options/tokenizer.ts'
import { toolCalls } from './options/tool-calls.ts'
import { vllmEngine } from './options/vllm-engine.ts'
import { vllmFrontend } from './options/vllm-frontend.ts'
import { vllmModel } from './options/vllm-model.ts'
import { vllmRemoved } from './options/vllm-removed.ts'

/*
 * To add an option, add a row to the group in options/ that it belongs to: command line, YAML, environment, --help,
 * GET and POST /admin/config, docs/configuration.md, its JSON schema and the field of `Config` follow from it. Rules that
 * involve several options, or have a place in the order of the reference, stand in rules.ts.
 */

/** The options that have a field of their own in `Config`. */
const published = {
  ...general.options,
  ...server.options,
  ...latency.options,
  ...output.options,
  ...toolCalls.options,
  ...lora.options,
  ...kvCache.options,
  ...failures.options,
  ...parallel.options,
  ...dataset.options,
  ...tokenizer.options,
  ...tls.options,
  ...logging.options,
  ...observability.options,
  ...compatibility.options,
}

/** Option names and their value types, for deriving `Config`. */
export type PublishedOptions = typeof published

/** All options by subject, in the order of `--help` and the documentation. */
export const optionGroups: readonly OptionGroup[] = [
  general,
  server,
  latency,
  output,
  toolCalls,
  lora,
  kvCache,
  failures,
  parallel,
  dataset,
  tokenizer,
  tls,
  logging,
  observability,
  compatibility,
  vllmFrontend,
  vllmModel,
  vllmEngine,
  vllmRemoved,
  klog,
]

/** Every option by name. */
export const optionTable: ReadonlyMap<string, Option> = new Map(
  optionGroups.flatMap(({ options }) => Object.entries(options)),
)

/** Names of the options that become fields of `Config`. */
export const publishedNames: readonly string[] = Object.keys(published)

/** Option name by short form, the dash left out: `tp`, `v`, `O`. */
export const shortForms: ReadonlyMap<string, string> = new Map(
  [...optionTable].flatMap(([name, row]) => (row.short ?? []).map(short => [short, name] as const)),
)
