import { choice, float, group, int, option, optional, path } from '@vllm-sim/config'
import { general } from './general.ts'
import { kvCache } from './kv-cache.ts'

/** The options of `vllm-sim replay` beside those of the engine. */
export const replayOptions = group('Replay', {
  'rate-scale': option(float, { default: 1, above: 0, help: 'Requests come so many times as fast' }),
  limit: optional(int, { min: 1, help: 'Only the first so many requests' }),
  'data-parallel-size': optional(int, {
    min: 1,
    max: 64,
    defaultText: 'the profile’s, else 1',
    help: 'Ranks in lockstep, each with its own slots and blocks',
  }),
  benchmark: option(int, { default: 0, min: 0, help: 'Which benchmark of a GuideLLM report, from 0 on' }),
  format: option(choice('table', 'json', 'csv'), {
    default: 'table',
    oneOf: ['table', 'json', 'csv'],
    help: 'How the result is printed',
  }),
  requests: option(path, {
    default: '',
    help: 'File for a CSV table with one line per request, times in milliseconds',
  }),
  metrics: option(path, { default: '', help: 'File for the metrics that a server would have after the run' }),
  compare: option(path, { default: '', help: 'File with measured times of the same requests: prints the errors' }),
})

/** Those of the server that the engine of a replay has too. */
export const replayEngine = group('Engine', {
  'max-num-seqs': general.options['max-num-seqs'],
  'max-model-len': general.options['max-model-len'],
  'block-size': kvCache.options['block-size'],
  'num-gpu-blocks-override': kvCache.options['num-gpu-blocks-override'],
  'kv-cache-size': kvCache.options['kv-cache-size'],
  'enable-prefix-caching': kvCache.options['enable-prefix-caching'],
  seed: general.options.seed,
})
