import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tokenizer } from '@vllm-sim/tokenizer'
import type { ModelFacts, ServerFacts } from '@vllm-sim/transport-grpc'
import { cacheSize } from '../assemble/cache.ts'
import { type Config, connectorOf } from '../config/index.ts'
import { vllmVersion } from '../version.ts'

/** Sampling parameters that a model's `generation_config.json` may set. */
const samplingMembers = ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty']

/** What the options and the files of the model say about it. A file that is missing or broken says nothing. */
export async function modelFacts(config: Config, tokenizer: Tokenizer): Promise<ModelFacts> {
  const { directory } = tokenizer
  const model = await readObject(directory, 'config.json')
  const generation = await readObject(directory, 'generation_config.json')
  const sampling = Object.fromEntries(
    samplingMembers.flatMap(name => (typeof generation[name] === 'number' ? [[name, generation[name]]] : [])),
  )
  return {
    tokenizerPath: directory ?? (config.tokenizer || config.model),
    supportsVision: config.omni || config.mmEncoderOnly || 'vision_config' in model,
    modelType: typeof model['model_type'] === 'string' ? model['model_type'] : '',
    architectures: texts(model['architectures']),
    eosTokenIds: tokenizer.eosTokenIds,
    padTokenId: integer(generation['pad_token_id'] ?? model['pad_token_id']),
    bosTokenId: integer(tokenizer.bosTokenId ?? model['bos_token_id']),
    defaultSamplingParams: Object.keys(sampling).length === 0 ? '' : JSON.stringify(sampling),
  }
}

/** What the options say about the server. @param startedAt clock time, milliseconds */
export function serverFacts(config: Config, startedAt: number): ServerFacts {
  const transfer = config.kvTransferConfig ?? {}
  return {
    version: vllmVersion,
    startedAt,
    kvConnector: text(connectorOf(transfer)['kv_connector']),
    kvRole: text(connectorOf(transfer)['kv_role'] ?? transfer['kv_role']),
    kvEngineId: text(connectorOf(transfer)['engine_id'] ?? transfer['engine_id']),
    kvCacheDtype: config.kvCacheDtype,
    blockSize: config.blockSize,
    numBlocks: cacheSize(config),
    maxNumSeqs: config.maxNumSeqs,
    modelDtype: config.dtype,
    pairingProtocol: config.smgPairingProtocol,
    mmItemLimits: '',
    reasoningParser: config.reasoningParser,
  }
}

async function readObject(directory: string | undefined, name: string): Promise<Readonly<Record<string, unknown>>> {
  if (directory === undefined) return {}
  try {
    return object(JSON.parse(await readFile(join(directory, name), 'utf8')))
  } catch {
    return {}
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : []
}

function integer(value: unknown): number {
  return Number.isInteger(value) ? (value as number) : 0
}
