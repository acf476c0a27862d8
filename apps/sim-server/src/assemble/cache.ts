import { type BlockHasher, FnvHasher, PrefixCache, Sha256CborHasher } from '@vllm-sim/core-engine'
import { freshBytes } from '@vllm-sim/latency'
import type { Config } from '../config/index.ts'

/** Whether a server simulates the KV cache: asked for with the reference's option, with vLLM's, or needed for its events or to hand blocks over. */
export function hasCache(config: Config): boolean {
  const { mmEncoderOnly, enableKvcache, enablePrefixCaching, prefixCaching, kvEventsConfig, nixl } = config
  if (mmEncoderOnly) return false
  return enableKvcache || enablePrefixCaching || prefixCaching || kvEventsConfig?.enabled === true || nixl !== undefined
}

/** Blocks in the cache. */
export function cacheSize(config: Config): number {
  return config.numGpuBlocksOverride ?? config.kvCacheSize
}

/** The prefix cache of a server; undefined when it has none. */
export function prefixCache(config: Config): PrefixCache | undefined {
  if (!hasCache(config)) return undefined
  return new PrefixCache({ size: cacheSize(config), blockSize: config.blockSize, hasher: blockHasher(config) })
}

/** llm-d's hash unless one of vLLM's is asked for; of those there is one, the others depend on Python's pickle. */
function blockHasher(config: Config): BlockHasher {
  if (config.prefixCachingHashAlgo === '') return new FnvHasher(config.hashSeed)
  return new Sha256CborHasher(config.hashSeed === '' ? freshBytes(32) : config.hashSeed)
}
