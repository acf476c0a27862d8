import { group, int, looseText, option, pair, text } from '@vllm-sim/config'

/** Options that the reference accepts without effect and shows in `GET /admin/config`. */
export const compatibility = group('Options of the reference without effect', {
  'mm-processor-kwargs': option(looseText, {
    default: '',
    effect: 'none',
    shown: true,
    help: 'Settings of the multimodal processor, any text',
  }),
  'ec-transfer-config': option(looseText, {
    default: '',
    effect: 'none',
    shown: true,
    help: 'Settings of the encoder cache transfer, any text',
  }),
  'enforce-eager': option(pair, { default: false, effect: 'none', shown: true, help: 'No CUDA graphs' }),
  'tensor-parallel-size': option(int, {
    default: 0,
    effect: 'none',
    short: ['tp'],
    shown: true,
    help: 'GPUs per model',
  }),
})

export const observability = group('Observability', {
  'show-hidden-metrics-for-version': option(text, {
    default: '',
    help: 'Also export the metrics that this version of vLLM still had',
  }),
})
