import { group, int, option, optional, pair } from '@vllm-sim/config'
import { loraModules } from '../config/lora-modules.ts'

export const lora = group('LoRA', {
  'lora-modules': optional(loraModules, {
    shown: true,
    defaultText: 'none',
    help: 'Adapters known from the start: name=path, or JSON with name, path and base_model_name',
  }),
  'enable-lora': option(pair, {
    default: false,
    help: 'Handle LoRA adapters; they work without it too',
  }),
  'max-loras': option(int, {
    default: 1,
    min: 1,
    error: 'max LoRAs cannot be less than 1',
    shown: true,
    help: 'Adapters that can run at the same time',
  }),
  'max-cpu-loras': option(int, {
    default: 0,
    shown: true,
    defaultText: 'max-loras',
    help: 'Adapters held in host memory, max-loras or more',
  }),
})
