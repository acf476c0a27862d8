import { group, int, option } from '@vllm-sim/config'

export const parallel = group('Data parallel ranks', {
  'data-parallel-size': option(int, {
    default: 1,
    min: 1,
    max: 8,
    error: 'data parallel size must be between 1 and 8',
    short: ['dp'],
    shown: true,
    help: 'Ranks in this process, each with a port, engine and registry of its own at port, port + 1 and so on',
  }),
  'data-parallel-rank': option(int, {
    default: -1,
    max: 7,
    error: 'data parallel rank must be between 0 and 7',
    short: ['dpn'],
    shown: true,
    defaultText: 'unset',
    help: 'This process is one rank of several',
  }),
})
