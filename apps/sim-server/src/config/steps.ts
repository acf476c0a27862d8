import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError, reasonOf } from '@vllm-sim/config'
import { type StepProfile, stepProfile } from '@vllm-sim/latency'
import type { OptionFields, Values } from './values.ts'

/** Scheduling in steps, as it is in force: what was given, else the profile's, else vLLM's. */
export interface StepSettings {
  readonly profile: StepProfile
  /** Share of the time of a step. */
  readonly deviation: number
  readonly maxNumSeqs: number
  readonly maxNumBatchedTokens: number
  readonly numBlocks: number
  readonly blockSize: number
  readonly caching: boolean
  readonly async: boolean
}

/** vLLM's defaults on a GPU with less than 70 GB. */
const vllmDefaults = { maxNumSeqs: 256, maxNumBatchedTokens: 2048, blockSize: 16 } as const

/** The settings of steps, or undefined without a profile. @param given names of the options that were given */
export function stepSettings(
  options: Omit<OptionFields, 'config'>,
  given: ReadonlySet<string>,
): StepSettings | undefined {
  const { stepProfile: profile } = options
  if (profile === undefined || typeof profile === 'string') return undefined
  const { engine } = profile
  const maxNumSeqs = given.has('max-num-seqs') ? options.maxNumSeqs : (engine.max_num_seqs ?? vllmDefaults.maxNumSeqs)
  const blockSize = given.has('block-size') ? options.blockSize : (engine.block_size ?? vllmDefaults.blockSize)
  const cachingGiven = ['enable-prefix-caching', 'prefix-caching', 'enable-kvcache'].some(name => given.has(name))
  const ownBlocks = given.has('kv-cache-size') ? options.kvCacheSize : undefined
  return {
    profile,
    deviation: options.stepTimeStdDev,
    maxNumSeqs,
    maxNumBatchedTokens:
      options.maxNumBatchedTokens ??
      engine.max_num_batched_tokens ??
      Math.max(vllmDefaults.maxNumBatchedTokens, maxNumSeqs),
    // A cache that nobody measured is one that is never full. One block is never used.
    numBlocks:
      options.numGpuBlocksOverride ??
      ownBlocks ??
      engine.num_gpu_blocks ??
      1 + maxNumSeqs * Math.ceil(options.maxModelLen / blockSize),
    blockSize,
    caching: cachingGiven ? options.enableKvcache || options.enablePrefixCaching || options.prefixCaching : true,
    async: options.asyncScheduling ?? engine.async_scheduling ?? true,
  }
}

/**
 * What vLLM refuses at its start, with its texts.
 * @param given names of the options that were given
 */
export function stepsError(values: Values, given: ReadonlySet<string>): string | undefined {
  const settings = stepSettings(values, given)
  if (!settings) {
    return values.latencyCalculator === 'step' ? 'latency-calculator step needs a step-profile' : undefined
  }
  const { maxNumBatchedTokens, maxNumSeqs, numBlocks } = settings
  const { enableChunkedPrefill, maxModelLen } = values
  if (maxNumBatchedTokens < maxModelLen && !enableChunkedPrefill) {
    return (
      `max_num_batched_tokens (${maxNumBatchedTokens}) is smaller than max_model_len (${maxModelLen}). This effectively ` +
      'limits the maximum sequence length to max_num_batched_tokens and makes vLLM reject longer sequences. Please ' +
      'increase max_num_batched_tokens or decrease max_model_len.'
    )
  }
  if (maxNumBatchedTokens < maxNumSeqs) {
    return `max_num_batched_tokens (${maxNumBatchedTokens}) must be greater than or equal to max_num_seqs (${maxNumSeqs}).`
  }
  return numBlocks < 2
    ? `the KV cache must have at least 2 blocks, one of which is never used, got ${numBlocks}`
    : undefined
}

/** Where the profiles are that come with the program. */
const shipped = fileURLToPath(new URL('../../profiles/', import.meta.url))

/**
 * Reads a profile.
 * @param word what was given: the name of one that comes with the program, or the path of a file
 * @throws ConfigError that says what is wrong with it
 */
export function readStepProfile(word: string, readFile: (path: string) => string): StepProfile {
  const isName = /^[\w-]+$/.test(word)
  if (isName && !shippedProfiles().includes(word)) {
    throw new ConfigError(
      `there is no step profile ${word}: there are ${shippedProfiles().join(', ')}; a file is given with its ending`,
    )
  }
  try {
    return stepProfile(JSON.parse(readFile(isName ? path.join(shipped, `${word}.json`) : word)))
  } catch (error) {
    throw new ConfigError(`step-profile ${word}: ${reasonOf(error)}`)
  }
}

/** Names of the profiles that come with the program. */
export function shippedProfiles(): readonly string[] {
  return readdirSync(shipped)
    .flatMap(file => (file.endsWith('.json') ? [path.basename(file, '.json')] : []))
    .sort()
}
