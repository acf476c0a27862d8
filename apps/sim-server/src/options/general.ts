import { choice, duration, float, group, int, int64, option, optional, pair, path, text, texts } from '@vllm-sim/config'
import { contextLength } from './types.ts'

export const general = group('General', {
  config: option(path, {
    default: '',
    commandLineOnly: true,
    plainWord: true,
    firstCounts: true,
    help: 'YAML file with options: the same names, without dashes in front. Flags and environment win over it',
  }),
  port: option(int, {
    default: 8000,
    min: 0,
    max: 65535,
    error: "invalid port '{}'",
    shown: true,
    help: 'TCP port; 0 takes a free one, for each rank its own',
  }),
  'port-file': option(path, {
    default: '',
    help: 'File that holds the port, one line for each rank, from the moment it is open until the end',
  }),
  model: option(text, {
    default: '',
    env: 'SIM_MODEL',
    shown: true,
    help: 'Name of the base model, required; also `serve NAME`',
  }),
  'served-model-name': optional(texts, {
    shown: true,
    defaultText: 'the model name',
    help: 'Names accepted in requests; the first one is shown in responses and metrics',
  }),
  mode: option(choice('random', 'echo'), {
    default: 'random',
    oneOf: ['random', 'echo'],
    error: "invalid mode '{}', valid values are 'random' and 'echo'",
    shown: true,
    help: 'How responses are made: random sentences, or the text of the last message',
  }),
  'max-model-len': option(contextLength, {
    default: 1024,
    min: 1,
    error: 'max model len cannot be less than 1',
    knownAs: ['context-length', 'max-context-length', 'ctx-size', 'max-seq-len'],
    shown: true,
    help: 'Context window in tokens, prompt and output together (vLLM takes it from the model)',
  }),
  'max-num-seqs': option(int, {
    default: 5,
    min: 1,
    error: 'max num seqs cannot be less than 1',
    knownAs: ['max-batch-size', 'batch-size', 'max-concurrency', 'concurrency', 'max-running-requests'],
    shown: true,
    help: 'Sequences that run at the same time (vLLM: 256 and more)',
  }),
  'max-waiting-queue-length': option(int, {
    default: 1000,
    min: 0,
    error: 'max waiting queue size cannot be less than 0',
    knownAs: ['max-queue-size', 'queue-size'],
    shown: true,
    help: 'Requests that may wait before the next one gets status 429',
  }),
  seed: optional(int64, {
    shown: true,
    defaultText: 'a random one, logged at start',
    help: 'Seed of everything random: texts, lengths, delays, injected failures',
  }),
  'startup-duration': option(duration, {
    default: 0,
    shown: true,
    help: 'How long /health/ready answers 503 after the port opened',
  }),
  'time-scale': option(float, {
    default: 1,
    above: 0,
    help: 'Simulated milliseconds per real one: 10 makes every delay ten times shorter',
  }),
  'warm-up': option(pair, {
    default: true,
    help: 'Serve requests to itself before the port opens, so that the first real ones are on time',
  }),
  'compiler-tuning': option(pair, {
    default: true,
    help: 'Change when V8 compiles what, under the major version of Node with which that was measured',
  }),
  'max-request-body-size-mb': option(int, {
    default: 4,
    min: 1,
    max: 512,
    error: 'max-request-body-size-mb must be between 1 MB and 512 MB, got {}',
    shown: true,
    help: 'Largest HTTP request body in MB (1024 * 1024 bytes)',
  }),
})
