import { float, group, int, option, optional, path, text } from '@vllm-sim/config'

/** The options of `vllm-sim calibrate` beside those of the engine. */
export const calibrateOptions = group('Calibration', {
  gpu: option(text, { default: '', help: 'Name of the GPU, to start from what it can do' }),
  'model-config': option(path, { default: '', help: 'The model’s config.json, to start from what a step computes' }),
  start: option(path, { default: '', help: 'A profile to start from, instead of GPU and model' }),
  'tensor-parallel-size': option(int, { default: 1, min: 1, help: 'GPUs that share each layer' }),
  'data-parallel-size': option(int, {
    default: 1,
    min: 1,
    max: 64,
    help: 'Ranks in lockstep, which share the experts',
  }),
  holdout: option(float, {
    default: 0.3,
    min: 0,
    max: 0.9,
    help: 'Share of the requests, the last ones, that is not fitted on',
  }),
  blocks: option(path, { default: '', help: 'JSON lines with the hash_ids of the same requests, in the same order' }),
  benchmark: option(int, { default: 0, min: 0, help: 'Which benchmark of a GuideLLM report, from 0 on' }),
  measured: option(path, { default: '', help: 'Measured times of the requests by number, when the run has none' }),
  name: option(text, { default: '', help: 'Name of the profile, the file’s when absent' }),
  output: optional(path, { short: ['o'], help: 'File for the profile' }),
})
