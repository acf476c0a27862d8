import { type BlockHasher, FnvHasher, PrefixCache, Sha256CborHasher, StepCache } from '@vllm-sim/core-engine'
import { freshBytes } from '@vllm-sim/latency'
import type { Config, StepSettings } from '../config/index.ts'

/** Whether a server simulates the KV cache: asked for with the reference's option, with vLLM's, or needed for its events or to hand blocks over. */
export function hasCache(config: Config): boolean {
  const { mmEncoderOnly, enableKvcache, enablePrefixCaching, prefixCaching, kvEventsConfig, nixl, steps } = config
  if (mmEncoderOnly) return false
  if (steps) return true
  return enableKvcache || enablePrefixCaching || prefixCaching || kvEventsConfig?.enabled === true || nixl !== undefined
}

/** Blocks in the cache. */
export function cacheSize(config: Config): number {
  return config.steps?.numBlocks ?? config.numGpuBlocksOverride ?? config.kvCacheSize
}

/** The prefix cache of a server; undefined when it has none. */
export function prefixCache(config: Config): PrefixCache | undefined {
  if (!hasCache(config)) return undefined
  return new PrefixCache({ size: cacheSize(config), blockSize: config.blockSize, hasher: blockHasher(config) })
}

/** The KV blocks of a server whose sequences share steps. */
export function stepCache(config: Config, { blockSize, caching, numBlocks }: StepSettings): StepCache {
  return new StepCache({ size: numBlocks, blockSize, caching, hasher: blockHasher(config) })
}

/** llm-d's hash unless one of vLLM's is asked for; of those there is one, the others depend on Python's pickle. */
function blockHasher(config: Config): BlockHasher {
  if (config.prefixCachingHashAlgo === '') return new FnvHasher(config.hashSeed)
  return new Sha256CborHasher(config.hashSeed === '' ? freshBytes(32) : config.hashSeed)
}
