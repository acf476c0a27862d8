import { bool, choice, float, group, int, jsonObject, option, optional, pair, text, url } from '@vllm-sim/config'

export const kvCache = group('KV cache and its events', {
  'enable-kvcache': option(bool, {
    default: false,
    shown: true,
    help: 'Simulate the prefix cache and publish its events; needs POD_IP',
  }),
  'enable-prefix-caching': option(pair, {
    default: false,
    shown: true,
    help: 'Simulate the prefix cache without events; with enable-kvcache it is always on',
  }),
  'prefix-caching': option(pair, { default: false, help: 'The same as enable-prefix-caching' }),
  'kv-cache-size': option(int, {
    default: 1024,
    min: 0,
    error: 'KV cache size cannot be negative',
    shown: true,
    help: 'Blocks in the cache',
  }),
  'num-gpu-blocks-override': optional(int, {
    min: 1,
    help: 'Blocks in the cache, as vLLM calls it; wins over kv-cache-size',
  }),
  'block-size': option(int, {
    default: 16,
    oneOf: [8, 16, 32, 64, 128],
    error: 'token block size should be one of the following: 8, 16, 32, 64, 128',
    shown: true,
    help: 'Tokens per block',
  }),
  'global-cache-hit-threshold': option(float, {
    default: 0,
    min: 0,
    max: 1,
    error: 'global cache hit threshold must be between in range [0, 1]',
    shown: true,
    help: 'Share of the prompt that must be cached, for requests without cache_hit_threshold; 0 is off',
  }),
  'hash-seed': option(text, {
    default: '',
    env: 'PYTHONHASHSEED',
    shown: true,
    help: 'Seed of the block hashes',
  }),
  'prefix-caching-hash-algo': option(choice('', 'sha256', 'sha256_cbor', 'xxhash', 'xxhash_cbor'), {
    default: '',
    oneOf: ['', 'sha256', 'sha256_cbor', 'xxhash', 'xxhash_cbor'],
    defaultText: 'FNV-1a over CBOR, as llm-d',
    help: 'Use one of vLLM’s block hashes',
  }),
  'zmq-endpoint': option(url, {
    default: 'tcp://127.0.0.1:5557',
    shown: true,
    help: 'Where events go: an address with * is bound, any other is connected to; empty for no events',
  }),
  'event-batch-size': option(int, {
    default: 16,
    min: 1,
    error: 'event batch size cannot less than 1',
    shown: true,
    help: 'Events per message; a smaller batch leaves after a second',
  }),
  'use-vllm-map-event-format': option(bool, {
    default: false,
    shown: true,
    help: 'Events as maps, as vLLM since June 2026, instead of arrays',
  }),
  'kv-events-replay-endpoint': option(url, {
    default: '',
    shown: true,
    defaultText: 'off',
    help: 'Address to bind for replays, such as tcp://*:5558',
  }),
  'kv-events-replay-queue-size': option(int, {
    default: 1024,
    shown: true,
    help: 'Batches kept for replays',
  }),
  'kv-transfer-config': optional(jsonObject, {
    help: 'vLLM’s connector for disaggregated prefill, with NixlConnector blocks are really handed over (docs/disaggregation.md)',
  }),
  'kv-events-config': optional(jsonObject, {
    help: 'vLLM’s settings of KV events (enable_kv_cache_events, publisher, endpoint, replay_endpoint, topic ...); they win over the options above',
  }),
})
