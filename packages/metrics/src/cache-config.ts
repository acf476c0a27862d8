/** A value of vLLM's `CacheConfig`; shown in Python's spelling. */
export type CacheConfigValue = string | number | boolean | null

/** What `vllm:cache_config_info` tells. */
export interface CacheConfigInfo {
  /** Tokens per KV block. */
  readonly blockSize: number
  /** Number of KV blocks. */
  readonly numGpuBlocks: number
  /** Further fields under vLLM's names, over its defaults; shown with `labels: 'vllm'` only. */
  readonly fields?: Readonly<Record<string, CacheConfigValue>>
}

/** vLLM's fields beside the two that are always known, with what they hold when nothing is set. */
const vllmDefaults: Readonly<Record<string, CacheConfigValue>> = {
  user_specified_block_size: false,
  user_specified_mamba_block_size: false,
  prefix_match_unit: null,
  gpu_memory_utilization: 0.92,
  cache_dtype: 'auto',
  is_attention_free: false,
  num_gpu_blocks_override: null,
  sliding_window: null,
  enable_prefix_caching: true,
  prefix_caching_hash_algo: 'sha256',
  kv_cache_dtype_skip_layers: '[]',
  mamba_page_size_padded: null,
  skip_page_size_padded: null,
  mamba_block_size: null,
  mamba_cache_dtype: 'auto',
  mamba_ssm_cache_dtype: 'auto',
  mamba_cache_mode: 'none',
  replayssm_buffer_len: null,
  use_replayssm: false,
  num_cpu_blocks: null,
  kv_cache_size_tokens: null,
  kv_cache_max_concurrency: null,
  kv_sharing_fast_prefill: false,
  kv_cache_memory_bytes: null,
  kv_offloading_size: null,
  kv_offloading_backend: 'native',
}

/**
 * Labels of `vllm:cache_config_info`.
 *
 * @param all every field as vLLM does; otherwise the two that llm-d-inference-sim has
 */
export function cacheConfigLabels(info: CacheConfigInfo, all: boolean): Readonly<Record<string, string>> {
  const { blockSize: block_size, numGpuBlocks: num_gpu_blocks, fields } = info
  const known = { block_size, num_gpu_blocks }
  const size = { kv_cache_size_tokens: block_size * num_gpu_blocks }
  const shown: Record<string, CacheConfigValue> = all ? { ...vllmDefaults, ...size, ...fields, ...known } : known
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, pythonText(value)]))
}

function pythonText(value: CacheConfigValue): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return String(value)
}
