import {
  choice,
  float,
  group,
  humanInt,
  int,
  isObject,
  option,
  optional,
  pair,
  text,
  type ValueType,
} from '@vllm-sim/config'
import { type StepProfile, stepProfile } from '@vllm-sim/latency'

/** A step profile: as given the name of a file, once it was read what is in it. */
const profile: ValueType<string | StepProfile> = {
  ...(text as ValueType<string | StepProfile>),
  label: 'name|file',
  fromJson: value => {
    if (!isObject(value)) throw new Error('expected a step profile, which is a JSON object')
    return stepProfile(value)
  },
}

/** Scheduling in steps that all sequences share, as vLLM's engine. Without a profile none of these has an effect. */
export const steps = group('Engine steps', {
  'step-profile': optional(profile, {
    live: 'steps',
    knownAs: ['profile', 'hardware-profile'],
    help: 'Run vLLM’s scheduler, whose steps last as long as this profile says: the name of one that comes with the program, or a JSON file. Without it each sequence has times of its own',
  }),
  'step-time-std-dev': option(float, {
    default: 0,
    min: 0,
    max: 1,
    live: 'steps',
    help: 'Standard deviation of the time of a step, as a share of it',
  }),
  'max-num-batched-tokens': optional(humanInt, {
    min: 1,
    max: 2 ** 31 - 1,
    defaultText: 'the profile’s, else 2048',
    help: 'Tokens per engine step',
  }),
  'enable-chunked-prefill': option(pair, { default: true, help: 'Prefill long prompts in pieces' }),
  'long-prefill-token-threshold': option(int, {
    default: 0,
    min: 0,
    help: 'Most tokens of one prompt in a step, 0 for no bound but that of the step',
  }),
  'scheduling-policy': option(choice('fcfs', 'priority'), {
    default: 'fcfs',
    oneOf: ['fcfs', 'priority'],
    error: "argument --scheduling-policy: invalid choice: '{}' (choose from 'fcfs', 'priority')",
    help: 'Order of the queue: first come, first served, or by the priority of the request',
  }),
  'async-scheduling': optional(pair, {
    defaultText: 'the profile’s, else on',
    help: 'Plan the next step while one runs',
  }),
  'scheduler-reserve-full-isl': option(pair, {
    default: true,
    help: 'Start a prompt only when the cache has room for all of it',
  }),
  watermark: option(float, {
    default: 0,
    min: 0,
    max: 1,
    help: 'Share of the KV blocks kept free when prompts are started',
  }),
})
