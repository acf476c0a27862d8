import { defineOptions, type Option } from '@vllm-sim/config'
import { compatibility, observability } from './compatibility.ts'
import { dataset } from './dataset.ts'
import { failures } from './failures.ts'
import { general } from './general.ts'
import { grpc } from './grpc.ts'
import { kvCache } from './kv-cache.ts'
import { latency } from './latency.ts'
import { klog, logging } from './logging.ts'
import { lora } from './lora.ts'
import { output } from './output.ts'
import { parallel } from './parallel.ts'
import { server, tls } from './server.ts'
import { steps } from './steps.ts'
import { tokenizer } from './tokenizer.ts'
import { toolCalls } from './tool-calls.ts'
import { vllmEngine } from './vllm-engine.ts'
import { vllmFrontend } from './vllm-frontend.ts'
import { vllmModel } from './vllm-model.ts'
import { vllmRemoved } from './vllm-removed.ts'

/*
 * To add an option, add a row to the group in this folder that it belongs to: command line, YAML, environment, --help,
 * GET and POST /admin/config, docs/configuration.md, its JSON schema and the field of `Config` follow from it. Rules that
 * involve several options, or have a place in the order of the reference, stand in ../config/rules.ts.
 */

/** The options that have a field of their own in `Config`. */
export const published = {
  ...general.options,
  ...server.options,
  ...latency.options,
  ...steps.options,
  ...output.options,
  ...toolCalls.options,
  ...lora.options,
  ...kvCache.options,
  ...failures.options,
  ...parallel.options,
  ...dataset.options,
  ...tokenizer.options,
  ...tls.options,
  ...grpc.options,
  ...logging.options,
  ...observability.options,
  ...compatibility.options,
}

/** All options, in the order of `--help` and the documentation. */
export const options = defineOptions([
  general,
  server,
  latency,
  steps,
  output,
  toolCalls,
  lora,
  kvCache,
  failures,
  parallel,
  dataset,
  tokenizer,
  tls,
  grpc,
  logging,
  observability,
  compatibility,
  vllmFrontend,
  vllmModel,
  vllmEngine,
  vllmRemoved,
  klog,
])

/** Every option by name. */
export const optionTable: ReadonlyMap<string, Option> = options.rows
